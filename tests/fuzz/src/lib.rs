//! The guarantees for every input of strangers, LINE, the model or a page. Each module is one kind of input and has
//! one function, `holds`: it panics where a guarantee is broken, and returns whether the input was accepted, so that
//! the kept inputs demonstrably cover both cases. `tests/fuzz/run` gives them to libFuzzer; `cargo test` replays the
//! inputs in `corpus/`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a panic reports a broken guarantee")]

pub mod job;
pub mod markdown;
pub mod model;
pub mod page;
pub mod prompt;
pub mod signature;
pub mod split;
pub mod webhook;

/// Returns a number from the first byte, and the rest.
fn number(data: &[u8]) -> (usize, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (usize::from(*first), rest))
}

#[cfg(test)]
mod tests;
