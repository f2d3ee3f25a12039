//! The prefix that calls the bot in a group, `GROUP_PREFIX`: *accept* looks for it, and *answer* shows it to people.
//! The module also defines how words are compared. Pure.

use icu_normalizer::ComposingNormalizerBorrowed;
use unicode_segmentation::UnicodeSegmentation;

use crate::env::{Env, EnvError, invalid};

/// The longest prefix, in characters.
const LONGEST: usize = 20;
/// The most characters that are composed to one character (three for a Hangul syllable, and one in reserve).
const COMPOSED_OF: usize = 4;
/// The characters that people put between a name and their words.
const BETWEEN: [char; 10] = [':', '：', ',', '，', '、', '､', '!', '！', '。', '｡'];

/// Returns the text after a name, without the characters between the two.
pub fn after_name(text: &str) -> &str {
    text.trim_start().trim_start_matches(BETWEEN).trim_start()
}

/// Returns the text in the form in which texts are compared: full and half width are the same, and so are capitals and
/// small letters.
pub fn folded(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfkc().normalize(text.trim()).trim().to_lowercase()
}

/// Whether a word can begin with this character without a space before it, although no word boundary is found there:
/// Hangul and kana.
fn joins(char: char) -> bool {
    matches!(char, '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{ac00}'..='\u{d7a3}' | '\u{ff66}'..='\u{ffdc}')
}

/// A word before a message that calls the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// The prefix as it is shown to people.
    pub written: String,
    folded: String,
}

impl Prefix {
    /// Reads `GROUP_PREFIX`; returns `None` if it is not set.
    pub fn from_env(env: &Env) -> Result<Option<Self>, EnvError> {
        let Some(text) = env.optional("GROUP_PREFIX")? else { return Ok(None) };
        let (written, folded) = (text.trim().to_owned(), folded(text));
        if folded.is_empty() || folded.contains('\n') || folded.chars().count() > LONGEST {
            let why = format!("it must be a word of at most {LONGEST} characters");
            return Err(invalid("GROUP_PREFIX", &why));
        }
        Ok(Some(Self { written, folded }))
    }

    /// Returns the text after the prefix, if the text begins with it. A longer word that only begins with the prefix is
    /// another word.
    pub fn strip<'a>(&self, text: &'a str) -> Option<&'a str> {
        let text = text.trim_start();
        let most = COMPOSED_OF * self.folded.chars().count();
        let ends = text.char_indices().map(|(at, char)| at + char.len_utf8()).take(most);
        let end = ends.filter(|&end| folded(&text[..end]) == self.folded).last()?;
        let rest = &text[end..];
        let is_boundary = || text.split_word_bound_indices().any(|(at, _)| at == end);
        let is_apart =
            rest.is_empty() || rest.starts_with(BETWEEN) || rest.starts_with(joins) || is_boundary();
        is_apart.then_some(after_name(rest))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn of(value: &str) -> Result<Option<Prefix>, EnvError> {
        Prefix::from_env(&Env::of([("GROUP_PREFIX".to_owned(), value.to_owned())]))
    }

    #[test]
    fn a_prefix_is_found_in_any_width_and_case_and_is_a_word_of_its_own() {
        for (prefix, text, said) in [
            ("bot", "bot hello", Some("hello")),
            ("bot", "  BOT: hello", Some("hello")),
            ("Bot", "ｂｏｔ　hello", Some("hello")),
            ("bot", "bot、今日は", Some("今日は")),
            ("bot", "bot今日は", Some("今日は")),
            ("bot", "bottle", None),
            ("bot", "ｂｏｔｔｌｅ", None),
            ("bot", "botín es", None),
            ("bot", "bot's life", None),
            ("bot", "bote\u{301}", None),
            ("bot", "bot:hello", Some("hello")),
            ("bot", "bot。忘れて", Some("忘れて")),
            ("봇", "봇아 안녕", Some("아 안녕")),
            ("ボット", "ボットテスト", Some("テスト")),
            ("บอท", "บอทสวัสดี", Some("สวัสดี")),
            ("été", "étéo", None),
            ("bot", "a bot", None),
            ("bot", "bo", None),
            ("bot", "bot", Some("")),
            ("ボット", "ﾎﾞｯﾄ教えて", Some("教えて")),
            ("!", "！help", Some("help")),
            ("/ai", "/AI  what?", Some("what?")),
            ("hey you", "Hey you there", Some("there")),
        ] {
            assert_eq!(of(prefix).unwrap().unwrap().strip(text), said, "{prefix} {text}");
        }
    }

    #[test]
    fn a_prefix_that_can_be_none_stops_the_start() {
        assert_eq!(of("").unwrap(), None);
        for wrong in [" ", "　", "a\nb", "a word of more than twenty characters"] {
            assert!(of(wrong).unwrap_err().to_string().starts_with("GROUP_PREFIX cannot be read"), "{wrong}");
        }
    }
}
