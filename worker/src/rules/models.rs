//! The abilities of a model by its name: context window, encoding, the name of the token limit, and whether it reads
//! images and files; its prices and its end. Pure.
//!
//! `models/table.tsv` has the living models of the known providers; `models/update` writes it and explains its numbers.
//! `FAMILIES` has what is known of OpenAI's other names: of models that have ended and that other servers still have,
//! of fine-tunes, and of models newer than the table. Families and modalities are from OpenAI's model pages
//! (developers.openai.com/api/docs/models), encodings from tiktoken's `MODEL_PREFIX_TO_ENCODING`.
//!
//! An unknown name is accepted. It gets a window that current models have at least, the newest encoding and the token
//! limit that older servers know, and the bot sends it an image to find out whether it reads images.
//! [`crate::adapters::openai`] corrects the name of the limit by the server's error.

use jiff::{Span, civil::Date};

/// The model that is asked if `GPT_MODEL` is not set. `.env.example`, the README, the deployment's settings and `henji
/// dev` name the same model, and a test compares them.
pub const DEFAULT: &str = "gpt-5.4-mini";

/// The context of a model that is not known, in tokens.
pub const UNKNOWN_CONTEXT: u32 = 32_768;

/// The days before a model's end from which on an operator is warned.
const WARNING_DAYS: i64 = 90;

/// The living models, one a line. The head of the file names the columns.
const TABLE: &str = include_str!("models/table.tsv");

/// The two encodings of chat models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// The encoding of gpt-4 and gpt-3.5-turbo.
    Cl100k,
    /// The encoding of gpt-4o and all later models. For other makers' models it is an estimate.
    O200k,
}

/// Whether a model can do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// The model can do it.
    Yes,
    /// The model cannot do it.
    No,
    /// Only the server knows.
    Unknown,
}

/// The prices of a model's maker, in US dollars for a million tokens, in the form of the operator's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelPrices {
    /// The price of prompts.
    pub prompt: &'static str,
    /// The price of the part of a prompt that the model has in its cache; `None` if it is not lower.
    pub cached: Option<&'static str>,
    /// The price of the part of a prompt that the model writes to its cache; `None` if it is not another one.
    pub written: Option<&'static str>,
    /// The price of answers.
    pub completion: &'static str,
}

/// The known properties of one model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model {
    /// Whether the model or its family is known. All else is a guess if not.
    pub is_known: bool,
    /// The most tokens of prompt and answer together.
    pub context_tokens: u32,
    /// The most tokens of a prompt, which may be less than the context.
    pub input_tokens: u32,
    /// The most tokens of an answer, if it has a limit of its own.
    pub output_tokens: Option<u32>,
    /// The encoding that cuts its text into tokens.
    pub encoding: Encoding,
    /// Whether the model expects `max_completion_tokens` instead of `max_tokens`.
    pub completion_limit: bool,
    /// Whether the model takes images.
    pub vision: Ability,
    /// Whether the model takes PDF files.
    pub files: Ability,
    /// The prices at its maker.
    pub prices: Option<ModelPrices>,
    /// The day on which its maker shuts it down, if that is announced.
    pub end: Option<Date>,
}

impl Model {
    /// Returns the most tokens of a prompt and an answer of at most `max_tokens`, so that neither the prompt nor both
    /// together are too long.
    pub fn context_with(&self, max_tokens: u32) -> u32 {
        self.context_tokens.min(self.input_tokens.saturating_add(max_tokens))
    }
}

/// The models that are not in the table, by the beginning of their names. Longer beginnings come first. The context is
/// the smallest one in the family.
#[rustfmt::skip]
const FAMILIES: &[(&str, u32, Encoding, bool, Ability)] = {
    use {Ability::{No, Yes}, Encoding::{Cl100k, O200k}};
    &[
        ("gpt-5-chat",          128_000,   O200k,  true,  Yes),
        ("gpt-5.1-chat",        128_000,   O200k,  true,  Yes),
        ("gpt-5.3-chat",        128_000,   O200k,  true,  Yes),
        ("gpt-5",               272_000,   O200k,  true,  Yes),
        ("gpt-6",               922_000,   O200k,  true,  Yes),
        ("gpt-4.5",             128_000,   O200k,  true,  Yes),
        ("gpt-4.1",             1_047_576, O200k,  true,  Yes),
        ("gpt-4o",              128_000,   O200k,  true,  Yes),
        ("chatgpt-4o",          128_000,   O200k,  true,  Yes),
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
/// fine-tune's (`ft:gpt-4o-mini:…`), and may end with the date of a snapshot.
pub fn named(name: &str) -> Model {
    let name = name.rsplit('/').next().unwrap_or(name);
    // A name comes after its own beginning, so the last one that fits is the longest.
    let row = TABLE.lines().rev().find(|row| {
        // Most rows differ in the first byte.
        if !row.bytes().next().zip(name.bytes().next()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(&b)) {
            return false;
        }
        let known = row.split('\t').next().unwrap_or_default();
        after(name, known).is_some_and(is_snapshot)
    });
    row.and_then(read).unwrap_or_else(|| of_family(name))
}

/// Whether an operator is to be warned today of a model's end.
pub fn ends_soon(end: Date, today: Date) -> bool {
    let begin = end.checked_sub(Span::new().days(WARNING_DAYS)).unwrap_or(Date::MIN);
    today >= begin
}

/// Returns the rest of `name` after `known`. OpenRouter writes a dot where Anthropic's own names have a dash.
fn after<'a>(name: &'a str, known: &str) -> Option<&'a str> {
    let (beginning, rest) = name.split_at_checked(known.len())?;
    let is_same = |(a, b): (u8, u8)| a.eq_ignore_ascii_case(&b) || (a == b'.' && b == b'-');
    beginning.bytes().zip(known.bytes()).all(is_same).then_some(rest)
}

/// Whether the end of a name is empty or of a snapshot, as `update` reads it: `-latest`, `-2512`, `-2026-03-17`,
/// `@20251001`. Other ends are of other models.
fn is_snapshot(end: &str) -> bool {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    end.is_empty()
        || end.strip_prefix(['-', '@']).is_some_and(|end| end.starts_with("latest") || digits(end) >= 3)
}

fn read(row: &'static str) -> Option<Model> {
    let mut columns = row.split('\t').skip(1);
    let ability = |word| match word {
        "yes" => Ability::Yes,
        "no" => Ability::No,
        _ => Ability::Unknown,
    };
    let price = |word| Some(word).filter(|word| *word != "-");
    Some(Model {
        is_known: true,
        context_tokens: columns.next()?.parse().ok()?,
        input_tokens: columns.next()?.parse().ok()?,
        output_tokens: columns.next()?.parse().ok(),
        encoding: Encoding::O200k,
        completion_limit: columns.next()? == "max_completion_tokens",
        vision: ability(columns.next()?),
        files: ability(columns.next()?),
        prices: {
            let (prompt, cached) = (price(columns.next()?), price(columns.next()?));
            let (written, completion) = (price(columns.next()?), price(columns.next()?));
            let both = prompt.zip(completion);
            both.map(|(prompt, completion)| ModelPrices { prompt, cached, written, completion })
        },
        end: columns.next()?.parse().ok(),
    })
}

fn of_family(name: &str) -> Model {
    let name = name.strip_prefix("ft:").unwrap_or(name);
    let goes_on = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    let family =
        FAMILIES.iter().find(|(known, ..)| name.strip_prefix(known).is_some_and(|rest| !goes_on(rest)));
    let &(_, context_tokens, encoding, completion_limit, vision) =
        family.unwrap_or(&("", UNKNOWN_CONTEXT, Encoding::O200k, false, Ability::Unknown));
    Model {
        is_known: family.is_some(),
        context_tokens,
        input_tokens: context_tokens,
        output_tokens: None,
        encoding,
        completion_limit,
        vision,
        // A model reads a PDF as its text and as images of its pages (OpenAI, "File inputs").
        files: if vision == Ability::No { Ability::No } else { Ability::Unknown },
        prices: None,
        end: None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_name_is_known_behind_prefixes_and_with_a_date_and_an_unknown_one_survives() {
        let check = |name: &str, context_tokens, completion_limit, vision| {
            let model = named(name);
            let found = (model.context_tokens, model.completion_limit, model.vision);
            assert_eq!(found, (context_tokens, completion_limit, vision), "{name}");
        };
        for name in ["gpt-4o", "openai/gpt-4o", "gpt-4o-2024-08-06", "ft:gpt-4o-mini-2024-07-18::9aBc1XyZ"] {
            check(name, 128_000, true, Ability::Yes);
        }
        check("openai/ft:gpt-4.1-mini:acme", 1_047_576, true, Ability::Yes);
        check("gpt-4.1-nano", 1_047_576, true, Ability::Yes);
        for name in ["gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", "openrouter/openai/gpt-5.2", "chat-latest"] {
            check(name, 400_000, true, Ability::Yes);
        }
        for name in ["gpt-5.4-2026-03-05", "gpt-5.5", "gpt-5.6-luna", "gpt-6-luna", "gpt-6.1-sol"] {
            check(name, 1_050_000, true, Ability::Yes);
        }
        // The names of models that are not in the table: the family's most careful window.
        check("gpt-5.9-luna", 272_000, true, Ability::Yes);
        check("gpt-6.9-luna", 922_000, true, Ability::Yes);
        check("gpt-4-0613", 8_192, false, Ability::No);
        check("gpt-4-turbo-2024-04-09", 128_000, false, Ability::Yes);
        check("gpt-35-turbo", 16_385, false, Ability::No);
        check("o3-mini-2025-01-31", 200_000, true, Ability::No);
        check("o3-2025-04-16", 200_000, true, Ability::Yes);
        for name in ["claude-haiku-4-5", "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4.5"] {
            check(name, 200_000, false, Ability::Yes);
        }
        check("google/gemini-3.5-flash", 1_048_576, false, Ability::Yes);
        check("x-ai/Grok-4.20-0309-reasoning", 1_000_000, false, Ability::Yes);
        check("deepseek-v4-pro", 1_000_000, false, Ability::No);
        check("mistral-small-latest", 262_144, false, Ability::Yes);
        check("openai/gpt-oss-120b", 131_072, false, Ability::Unknown);
        let unknown =
            ["", "/", "ft:", "#", "name", "gpt-4all-j", "o30", "claude-opus-5-6", "llama3.2-vision", "返事"];
        for name in unknown {
            check(name, 32_768, false, Ability::Unknown);
            assert!(!named(name).is_known, "{name}");
        }
    }

    #[test]
    fn a_snapshot_has_the_prices_and_the_end_of_its_model_and_another_model_has_not() {
        let model = named("gpt-4o-mini-2024-07-18");
        let prices = ModelPrices { prompt: "0.15", cached: Some("0.075"), written: None, completion: "0.6" };
        assert_eq!((model.prices, model.end), (Some(prices), Some(date(2027, 1, 14))));
        assert_eq!((model.output_tokens, model.files), (Some(16_384), Ability::Yes));
        let prices =
            ModelPrices { prompt: "0.1", cached: Some("0.01"), written: Some("0.125"), completion: "0.5" };
        assert_eq!(named("gpt-6-luna").prices, Some(prices));
        for name in ["gpt-4o-mini-audio", "ft:gpt-4o-mini:acme", "gpt-oss-120b", "deepseek-v4-flash:free"] {
            assert_eq!((named(name).prices, named(name).end), (None, None), "{name}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_found_by_its_name_and_can_be_used() {
        let rows: Vec<_> = TABLE.lines().filter(|row| !row.starts_with('#')).collect();
        assert!(rows.len() >= 60 && rows.is_sorted(), "{}", rows.len());
        for row in rows {
            let name = row.split('\t').next().unwrap_or_default();
            let model = named(name);
            assert_eq!(Some(model), read(row), "{name}");
            assert_eq!(row.split('\t').count(), 12, "{name}");
            assert_eq!(row.ends_with("\t-"), model.end.is_none(), "{name}");
            let window = 8_192..=10_000_000;
            assert!(window.contains(&model.context_tokens) && window.contains(&model.input_tokens), "{name}");
            assert!(model.output_tokens.is_none_or(|most| most < model.context_tokens), "{name}");
        }
        assert!(named(DEFAULT).prices.is_some());
    }

    #[test]
    fn a_prompt_never_takes_the_room_that_only_an_answer_has() {
        // 272,000 tokens of a prompt and 128,000 of an answer.
        let model = named("gpt-5.4-mini");
        assert_eq!(model.context_with(4_096), 276_096);
        assert_eq!(model.context_with(128_000), 400_000);
        assert_eq!(model.context_with(200_000), 400_000);
        assert_eq!(named("gpt-4o").context_with(4_096), 128_000);
    }

    #[test]
    fn a_warning_begins_ninety_days_before_the_end_and_does_not_stop() {
        let end = date(2027, 4, 1);
        for (today, warns) in [
            (date(2026, 12, 31), false),
            (date(2027, 1, 1), true),
            (date(2027, 4, 1), true),
            (date(2028, 1, 1), true),
        ] {
            assert_eq!(ends_soon(end, today), warns, "{today}");
        }
    }
}
