//! The abilities of a model by its name: context window, encoding, the name of the token limit, and whether it reads
//! images. Pure.
//!
//! An unknown name is accepted. It gets the smallest window that is still in use, the newest encoding and the token
//! limit that older servers know, and the bot sends it an image to find out whether it reads images.
//! [`crate::adapters::openai`] corrects the name of the limit by the server's error. Windows and modalities are from
//! OpenAI's model pages (developers.openai.com/api/docs/models), encodings from tiktoken's `MODEL_PREFIX_TO_ENCODING`.

/// The model that is asked if `GPT_MODEL` is not set. `.env.example`, the README, the deployment's settings and `henji
/// dev` name the same model, and a test compares them.
pub const DEFAULT: &str = "gpt-5.4-mini";

/// The two encodings of chat models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The encoding of gpt-4 and gpt-3.5-turbo.
    Cl100k,
    /// The encoding of gpt-4o and all later models.
    O200k,
}

/// Whether a model takes images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vision {
    /// The model takes images.
    Yes,
    /// The model does not take images.
    No,
    /// Only the server knows.
    Unknown,
}

/// The known properties of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// The most tokens of prompt and answer together.
    pub context_tokens: u32,
    /// The encoding that cuts its text into tokens.
    pub encoding: Encoding,
    /// Whether the model expects `max_completion_tokens` instead of `max_tokens`.
    pub completion_limit: bool,
    /// Whether the model takes images.
    pub vision: Vision,
}

/// The known models, by the beginning of the name. A longer beginning is before a shorter one.
#[rustfmt::skip]
const KNOWN: &[(&str, u32, Encoding, bool, Vision)] = {
    use {Encoding::{Cl100k, O200k}, Vision::{No, Yes}};
    &[
        ("gpt-5-chat",          128_000,   O200k,  true,  Yes),
        ("gpt-5.1-chat",        128_000,   O200k,  true,  Yes),
        ("gpt-5.3-chat",        128_000,   O200k,  true,  Yes),
        ("gpt-5.4-mini",        400_000,   O200k,  true,  Yes),
        ("gpt-5.4-nano",        400_000,   O200k,  true,  Yes),
        ("gpt-5.4",             1_050_000, O200k,  true,  Yes),
        ("gpt-5.5",             1_050_000, O200k,  true,  Yes),
        ("gpt-5.6",             1_050_000, O200k,  true,  Yes),
        ("gpt-5",               400_000,   O200k,  true,  Yes),
        ("gpt-6",               1_050_000, O200k,  true,  Yes),
        ("gpt-4.5",             128_000,   O200k,  false, Yes),
        ("gpt-4.1",             1_047_576, O200k,  false, Yes),
        ("gpt-4o",              128_000,   O200k,  false, Yes),
        ("chatgpt-4o",          128_000,   O200k,  false, Yes),
        ("gpt-4-turbo-preview", 128_000,   Cl100k, false, No),
        ("gpt-4-turbo",         128_000,   Cl100k, false, Yes),
        ("gpt-4-32k",           32_768,    Cl100k, false, No),
        ("gpt-4",               8_192,     Cl100k, false, No),
        ("gpt-3.5",             16_385,    Cl100k, false, No),
        // The spelling of Azure.
        ("gpt-35",              16_385,    Cl100k, false, No),
        ("o1-mini",             128_000,   O200k,  true,  No),
        ("o1-preview",          128_000,   O200k,  true,  No),
        ("o1",                  200_000,   O200k,  true,  Yes),
        ("o3-mini",             200_000,   O200k,  true,  No),
        ("o3",                  200_000,   O200k,  true,  Yes),
        ("o4",                  200_000,   O200k,  true,  Yes),
    ]
};

/// Returns the known properties of the model of this name, which may follow a provider's prefix (`openai/gpt-4o`) or a
/// fine-tune's (`ft:gpt-4o-mini:…`).
pub fn named(name: &str) -> Model {
    let name = name.rsplit('/').next().unwrap_or(name);
    let name = name.strip_prefix("ft:").unwrap_or(name);
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    let known = KNOWN.iter().find(|(known, ..)| name.strip_prefix(known).is_some_and(|rest| !goes_on(rest)));
    let &(_, context_tokens, encoding, completion_limit, vision) =
        known.unwrap_or(&("", 8_192, Encoding::O200k, false, Vision::Unknown));
    Model { context_tokens, encoding, completion_limit, vision }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_behind_prefixes_and_an_unknown_one_survives() {
        let check = |name: &str, context_tokens, completion_limit, vision| {
            let model = named(name);
            let found = (model.context_tokens, model.completion_limit, model.vision);
            assert_eq!(found, (context_tokens, completion_limit, vision), "{name}");
        };
        check("gpt-4o", 128_000, false, Vision::Yes);
        check("openai/gpt-4o", 128_000, false, Vision::Yes);
        check("openrouter/openai/gpt-5.2", 400_000, true, Vision::Yes);
        check("ft:gpt-4o-mini-2024-07-18::9aBc1XyZ", 128_000, false, Vision::Yes);
        check("openai/ft:gpt-4.1-mini:acme", 1_047_576, false, Vision::Yes);
        check("gpt-5.4-mini", 400_000, true, Vision::Yes);
        check("gpt-5.4-2026-03-05", 1_050_000, true, Vision::Yes);
        check("gpt-6-luna", 1_050_000, true, Vision::Yes);
        check("gpt-6.1-sol", 1_050_000, true, Vision::Yes);
        check("gpt-4-0613", 8_192, false, Vision::No);
        check("gpt-4-turbo-2024-04-09", 128_000, false, Vision::Yes);
        check("gpt-35-turbo", 16_385, false, Vision::No);
        check("o3-mini-2025-01-31", 200_000, true, Vision::No);
        check("o3-2025-04-16", 200_000, true, Vision::Yes);
        for unknown in ["", "/", "ft:", "gpt-4all-j", "o30", "llama3.2-vision", "返事"] {
            check(unknown, 8_192, false, Vision::Unknown);
        }
    }
}
