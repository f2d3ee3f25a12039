//! The bot's own words: one file for each language. A file is complete because [`Words`] requires all texts. Pure.

use std::str::FromStr;

use shared::command::Command;

mod en;
mod ja;
mod ko;
mod th;
mod words;
mod zh_hant;

pub use words::{FileNotices, Labels, MediaNotices, Privacy, Words};

/// A language of the bot's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locale {
    /// Japanese.
    Ja,
    /// English.
    En,
    /// Traditional Chinese.
    ZhHant,
    /// Korean.
    Ko,
    /// Thai.
    Th,
}

/// The error for a text that names none of the languages of the bot's words.
#[derive(Debug, thiserror::Error)]
#[error("it must be one of ja, en, zh-Hant, ko, th")]
pub struct UnknownLocale;

impl FromStr for Locale {
    type Err = UnknownLocale;
    fn from_str(text: &str) -> Result<Self, UnknownLocale> {
        match text.to_ascii_lowercase().as_str() {
            "ja" => Ok(Self::Ja),
            "en" => Ok(Self::En),
            "zh-hant" => Ok(Self::ZhHant),
            "ko" => Ok(Self::Ko),
            "th" => Ok(Self::Th),
            _ => Err(UnknownLocale),
        }
    }
}

impl Locale {
    /// The list of all languages.
    pub const ALL: [Self; 5] = [Self::Ja, Self::En, Self::ZhHant, Self::Ko, Self::Th];

    /// Returns the language of a BCP 47 tag, as LINE's profiles have it. For other kinds of Chinese it is traditional
    /// Chinese, because their readers read it more easily than any other language here.
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::ZhHant),
            language => language.parse().ok(),
        }
    }

    /// Returns the word of a command in this language.
    pub fn word_of(self, command: &Command) -> &'static str {
        command.words()[self as usize]
    }

    /// Returns the bot's words in this language.
    pub fn words(self) -> &'static Words {
        match self {
            Self::Ja => &ja::WORDS,
            Self::En => &en::WORDS,
            Self::ZhHant => &zh_hant::WORDS,
            Self::Ko => &ko::WORDS,
            Self::Th => &th::WORDS,
        }
    }
}

#[cfg(test)]
mod tests;
