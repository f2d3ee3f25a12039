//! What must hold whatever strangers, LINE, the model or a page send. Each module is one way in and has one
//! function, `holds`: it panics where a promise is broken, and says whether the input was taken, so that
//! the kept inputs can be seen to try both. `tests/fuzz/run` gives them to libFuzzer; `cargo test` replays
//! what is kept in `corpus/`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a broken promise is told by a panic")]

pub mod job;
pub mod markdown;
pub mod model;
pub mod page;
pub mod prompt;
pub mod signature;
pub mod split;
pub mod webhook;

/// A number from the first byte, and the rest.
fn number(data: &[u8]) -> (usize, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (usize::from(*first), rest))
}

#[cfg(test)]
mod tests;
