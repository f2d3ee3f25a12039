//! Counts tokens, and remembers the counts in the process.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{LazyLock, Mutex, PoisonError},
};

use tiktoken_rs::CoreBPE;

use crate::rules::models::Encoding;

/// The most bytes that are counted at once. On much longer white space the tokenizer's regular expression gives up,
/// with a panic.
const PIECE: usize = 64 << 10;

/// The most counts that are remembered.
const COUNTS_MAX: usize = 10_000;

/// The earlier counts, because each turn counts the conversation's messages anew. The key is a hash with random keys of
/// this process, so that no words are kept.
static COUNTS: LazyLock<(RandomState, Mutex<HashMap<u64, usize>>)> = LazyLock::new(Default::default);

/// Returns the number of tokens in `text`. For a text longer than 64 KiB, the number may be a few tokens too high.
///
/// The tables are unpacked at the first use (about 0.1 s for [`Encoding::Cl100k`]) and cost nothing before it. If the
/// bytes alone show that everything fits, [`crate::rules::prompt`] does not call this function.
pub fn count(encoding: Encoding, text: &str) -> usize {
    let (hasher, counts) = &*COUNTS;
    let key = hasher.hash_one((encoding, text));
    let lock = || counts.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tokens) = lock().get(&key) {
        return *tokens;
    }
    let tokens = count_anew(encoding, text);
    let mut counts = lock();
    if counts.len() >= COUNTS_MAX {
        counts.clear();
    }
    counts.insert(key, tokens);
    tokens
}

/// Returns the number of bytes in the first `most` tokens of `text`, or `None` if it has no more tokens. The end may be
/// inside a grapheme.
pub fn beginning(encoding: Encoding, text: &str, most: usize) -> Option<usize> {
    let tokenizer = tokenizer(encoding);
    let (mut at, mut left) = (0, most);
    while at < text.len() {
        let piece = &text[at..text.floor_char_boundary(at + PIECE)];
        let tokens = tokenizer.encode_ordinary(piece);
        if tokens.len() > left {
            let bytes = tokenizer.decode_bytes(&tokens[..left]).map_or(left, |bytes| bytes.len());
            return Some(text.floor_char_boundary(at + bytes));
        }
        (at, left) = (at + piece.len(), left - tokens.len());
    }
    None
}

fn tokenizer(encoding: Encoding) -> &'static CoreBPE {
    match encoding {
        Encoding::Cl100k => tiktoken_rs::cl100k_base_singleton(),
        Encoding::O200k => tiktoken_rs::o200k_base_singleton(),
    }
}

fn count_anew(encoding: Encoding, mut text: &str) -> usize {
    let tokenizer = tokenizer(encoding);
    let mut tokens = 0;
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(PIECE));
        tokens += tokenizer.encode_ordinary(piece).len();
        text = rest;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_piece_by_piece_and_cut_after_any_token() {
        // Each word is one token, and 8,192 of them are a piece.
        let text = " because".repeat(10_000);
        assert_eq!(count(Encoding::O200k, &text), 10_000);
        let words = |most| beginning(Encoding::O200k, &text, most).map(|bytes| bytes / 8);
        for (most, kept) in [(1, Some(1)), (8_192, Some(8_192)), (9_999, Some(9_999)), (10_000, None)] {
            assert_eq!(words(most), kept);
        }
        // A character of several tokens is not cut in two.
        assert_eq!(beginning(Encoding::O200k, "a🪿b", 2), Some(1));
    }
}
