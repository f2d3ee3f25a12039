//! What is known of models by name: context window, encoding, and the name of the token limit. Pure.
//!
//! Unknown names survive: they get the smallest window still in use, the newest encoding, and the
//! parameter that older servers know; [`crate::adapters::openai`] corrects the last by what the server
//! says. Windows are from OpenAI's model pages (developers.openai.com/api/docs/models), encodings from
//! tiktoken's `MODEL_PREFIX_TO_ENCODING`.

/// The two encodings of chat models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// gpt-4 and gpt-3.5-turbo.
    Cl100k,
    /// gpt-4o and everything after it.
    O200k,
}

/// What is known of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Prompt and answer together, in tokens.
    pub context_tokens: u32,
    /// How its text is cut into tokens.
    pub encoding: Encoding,
    /// Whether it wants `max_completion_tokens` instead of `max_tokens`.
    pub completion_limit: bool,
}

/// By prefix, the longer one first.
const KNOWN: &[(&str, u32, Encoding, bool)] = &[
    ("gpt-5-chat", 128_000, Encoding::O200k, true),
    ("gpt-5.1-chat", 128_000, Encoding::O200k, true),
    ("gpt-5.3-chat", 128_000, Encoding::O200k, true),
    ("gpt-5", 400_000, Encoding::O200k, true),
    ("gpt-4.1", 1_047_576, Encoding::O200k, false),
    ("gpt-4o", 128_000, Encoding::O200k, false),
    ("gpt-4-turbo", 128_000, Encoding::Cl100k, false),
    ("gpt-4-32k", 32_768, Encoding::Cl100k, false),
    ("gpt-4", 8_192, Encoding::Cl100k, false),
    ("gpt-3.5", 16_385, Encoding::Cl100k, false),
    ("o1-mini", 128_000, Encoding::O200k, true),
    ("o1-preview", 128_000, Encoding::O200k, true),
    ("o1", 200_000, Encoding::O200k, true),
    ("o3", 200_000, Encoding::O200k, true),
    ("o4", 200_000, Encoding::O200k, true),
];

/// What is known of the model of this name.
pub fn named(name: &str) -> Model {
    let known = KNOWN.iter().find(|(prefix, ..)| name.starts_with(prefix));
    let &(_, context_tokens, encoding, completion_limit) =
        known.unwrap_or(&("", 8_192, Encoding::O200k, false));
    Model { context_tokens, encoding, completion_limit }
}

/// How much is counted at once, in bytes: on far more white space the tokenizer's regular expression gives
/// up, with a panic.
const PIECE: usize = 64 << 10;

/// How many tokens `text` has; of a text longer than 64 KiB, perhaps a few more than it has.
///
/// The tables are unpacked at the first use (about 0.1 s for [`Encoding::Cl100k`]) and cost nothing
/// before it; where bytes alone tell that all fits, [`crate::prompt`] never asks.
pub fn count(encoding: Encoding, mut text: &str) -> usize {
    let tokenizer = match encoding {
        Encoding::Cl100k => tiktoken_rs::cl100k_base_singleton(),
        Encoding::O200k => tiktoken_rs::o200k_base_singleton(),
    };
    let mut tokens = 0;
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(PIECE));
        tokens += tokenizer.encode_ordinary(piece).len();
        text = rest;
    }
    tokens
}
