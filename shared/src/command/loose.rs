//! The loose form of a command: one of its words, and around it nothing but polite words, marks, emoji and lengthened
//! sounds. What is around is taken away piece by piece, and what is left is compared as a whole, so that a sentence
//! which only contains the word stays a question. Pure.

use super::words::{AROUND, WHOLE};
use crate::prefix::folded;

/// The longest message, in bytes, that may be a loose form. A longer one is not looked at.
const BYTES_MAX: usize = 120;
/// A character that is repeated so often is a lengthened one.
const LENGTHENED: usize = 3;
/// The sounds that lengthen or clip the end of a word.
const SOUNDS: [char; 10] = ['ー', 'ぁ', 'ぃ', 'ぅ', 'ぇ', 'ぉ', 'え', 'っ', 'ッ', 'ๆ'];

/// The words that were around the core of a message.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Around {
    /// There was a polite word, or one that only hurries or calls.
    is_polite: bool,
    /// There was a word for the whole conversation.
    pub(super) is_whole: bool,
}

/// Offers the message without its marks to `is`, and then again with one word fewer around it, until `is` knows it or
/// nothing more can be taken away. It stops where `may_be` is false.
pub(super) fn find<T>(
    text: &str,
    may_be: impl Fn(&str) -> bool,
    is: impl Fn(&str, Around) -> Option<T>,
) -> Option<T> {
    if text.len() > BYTES_MAX {
        return None;
    }
    let text = without_marks(&folded(text));
    let (mut core, mut around) = (text.trim(), Around::default());
    while !core.is_empty() && may_be(core) {
        if let Some(found) = is(core, around) {
            return Some(found);
        }
        let taken;
        (core, taken) = with_one_fewer(core)?;
        around = Around {
            is_polite: around.is_polite || taken.is_polite,
            is_whole: around.is_whole || taken.is_whole,
        };
    }
    None
}

/// Returns a folded text without marks and emoji. Spaces stay between Latin words only, because the other languages do
/// not need them, or set them differently each time.
fn without_marks(folded: &str) -> String {
    // Folding takes this Thai vowel apart.
    let folded = folded.replace("\u{e4d}\u{e32}", "\u{e33}");
    let folded = without_face(&folded);
    let has_spaces = folded.chars().all(|char| char.is_ascii() || !is_letter(char));
    let mut letters: Vec<char> = vec![];
    for char in folded.chars() {
        let last = letters.last().copied();
        if is_letter(char) {
            // A long vowel is written in katakana; elsewhere the sign only lengthens.
            let lengthens = char == 'ー' && !last.is_some_and(|last| matches!(last, 'ァ'..='ヺ' | 'ー'));
            letters.extend(Some(char).filter(|_| !lengthens));
        } else if has_spaces && last != Some(' ') {
            letters.push(' ');
        }
    }
    let runs = letters.chunk_by(|one, next| one == next);
    runs.flat_map(|run| if run.len() < LENGTHENED { run } else { &run[..1] }).collect()
}

/// Returns the text without a face of brackets and marks at its end, such as `(^o^)` or `m(_ _)m`.
fn without_face(text: &str) -> &str {
    let face = text.split_once('(').filter(|(before, face)| {
        !before.trim().is_empty() && face.chars().filter(|char| is_letter(*char)).count() <= 2
    });
    face.map_or(text, |(before, _)| before)
}

/// Whether a character is part of a word. Single Korean letters are none, because people write them to laugh and cry.
fn is_letter(char: char) -> bool {
    let is_thai_sign = matches!(char, '\u{e47}'..='\u{e4e}');
    let is_korean_letter = matches!(char, '\u{1100}'..='\u{11ff}' | '\u{3130}'..='\u{318f}');
    (char.is_alphanumeric() || is_thai_sign) && !is_korean_letter
}

/// Returns the core without the longest word at its end; if there is none, without a lengthened sound at its end, or
/// without the longest word at its beginning.
fn with_one_fewer(core: &str) -> Option<(&str, Around)> {
    let words = || {
        let polite = AROUND.each().map(|word| (word, Around { is_polite: true, is_whole: false }));
        polite.chain(WHOLE.each().map(|word| (word, Around { is_polite: false, is_whole: true })))
    };
    let at_end = words().filter_map(|(word, around)| Some((before(core, word)?, around)));
    at_end
        .min_by_key(|(rest, _)| rest.len())
        .or_else(|| Some((without_last_sound(core)?, Around::default())))
        .or_else(|| {
            let at_start = words().filter_map(|(word, around)| Some((after(core, word)?, around)));
            at_start.min_by_key(|(rest, _)| rest.len())
        })
}

/// Returns the part before a word at the end.
fn before<'a>(core: &'a str, word: &str) -> Option<&'a str> {
    let rest = core.strip_suffix(word)?;
    // A Latin word is not the end of a longer one.
    (!(rest.ends_with(is_latin) && word.starts_with(is_latin))).then(|| rest.trim_end())
}

/// Returns the part after a word at the beginning.
fn after<'a>(core: &'a str, word: &str) -> Option<&'a str> {
    let rest = core.strip_prefix(word)?;
    (!(rest.starts_with(is_latin) && word.ends_with(is_latin))).then(|| rest.trim_start())
}

fn is_latin(char: char) -> bool {
    char.is_ascii_alphanumeric()
}

/// Returns the core without its last character, if that only lengthens the word.
pub(super) fn without_last_sound(core: &str) -> Option<&str> {
    let mut chars = core.chars();
    let (last, rest) = (chars.next_back()?, chars.as_str());
    // A kana that is written twice is another form of the verb.
    let is_kana = matches!(last, '\u{3041}'..='\u{3096}');
    (SOUNDS.contains(&last) || (rest.ends_with(last) && !is_kana)).then_some(rest)
}

#[cfg(test)]
mod tests;
