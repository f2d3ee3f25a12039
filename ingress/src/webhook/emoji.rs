//! LINE's own emojis in a text (LINE, "Text", `emojis`). In place of each the text has a placeholder: `()`, or the
//! emoji's name in brackets. Pure.

use std::collections::BTreeSet;

use serde::Deserialize;
use shared::visible::shows_nothing;

use super::{lenient::lenient, utf16};

/// The longest placeholder, in UTF-16 code units. LINE gives no limit, but a name has few words.
const LONGEST: usize = 100;

/// The place of one emoji, in UTF-16 code units of the text that LINE sent.
#[derive(Deserialize)]
struct Emoji {
    index: usize,
    length: usize,
}

/// One emoji, if it can be read. An odd one does not affect the others.
#[derive(Deserialize)]
pub(super) struct Entry(#[serde(deserialize_with = "lenient")] Option<Emoji>);

/// A text in which words are in place of the placeholders.
pub(super) struct Shown {
    pub(super) text: String,
    /// True if the text has only emojis without names.
    pub(super) says_nothing: bool,
    /// The places of the placeholders, in order.
    places: Vec<Place>,
}

/// The place of a placeholder, in UTF-16 code units.
struct Place {
    start: usize,
    end: usize,
    /// The end of the words that are in its place.
    shown_end: usize,
}

impl Shown {
    /// Puts `[emoji]` or `[emoji: name]` in place of each placeholder. An entry changes nothing if it is not exactly at
    /// a placeholder.
    pub(super) fn of(text: &str, emojis: &[Entry]) -> Self {
        let units = |Entry(it): &Entry| {
            let it = it.as_ref().filter(|it| it.length <= LONGEST)?;
            Some((it.index, it.index.checked_add(it.length)?))
        };
        let units: BTreeSet<(usize, usize)> = emojis.iter().filter_map(units).collect();
        let bytes = utf16::bytes(text, units.iter().flat_map(|&(start, end)| [start, end]).collect());
        let mut shown = Self { text: String::new(), says_nothing: true, places: vec![] };
        let (mut from, mut end_before, mut shown_end) = (0, 0, 0);
        for (start, end) in units {
            let Some((first, last)) = bytes.get(&start).copied().zip(bytes.get(&end).copied()) else {
                continue;
            };
            // Placeholders have no brackets inside, so two of them never overlap.
            let Some((before, name)) = text.get(from..first).zip(text.get(first..last).and_then(name)) else {
                continue;
            };
            let is_nameless = shows_nothing(name);
            let words = if is_nameless { "[emoji]".to_owned() } else { format!("[emoji: {}]", name.trim()) };
            shown.says_nothing &= is_nameless && shows_nothing(before);
            shown.text.push_str(before);
            shown.text.push_str(&words);
            shown_end += start - end_before + words.encode_utf16().count();
            shown.places.push(Place { start, end, shown_end });
            (from, end_before) = (last, end);
        }
        shown.says_nothing &= shows_nothing(&text[from..]);
        shown.text.push_str(&text[from..]);
        shown
    }

    /// Converts a place in the original text to the same place in this one, both in UTF-16 code units. A place within a
    /// placeholder has none.
    pub(super) fn moved(&self, unit: usize) -> Option<usize> {
        let (before, behind) = self.places.split_at(self.places.partition_point(|it| it.end <= unit));
        let (end, shown_end) = before.last().map_or((0, 0), |it| (it.end, it.shown_end));
        let is_within = behind.first().is_some_and(|it| it.start < unit);
        if is_within { None } else { (unit - end).checked_add(shown_end) }
    }
}

/// Returns the name in a placeholder.
fn name(placeholder: &str) -> Option<&str> {
    let name = placeholder.strip_prefix('(')?.strip_suffix(')')?;
    (!name.contains(['(', ')'])).then_some(name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn shown(text: &str, emojis: &str) -> Shown {
        Shown::of(text, &serde_json::from_str::<Vec<Entry>>(&format!("[{emojis}]")).unwrap())
    }

    fn at(index: usize, length: usize) -> String {
        format!(r#"{{"index":{index},"length":{length},"productId":"p","emojiId":"001"}}"#)
    }

    #[test]
    fn words_take_the_place_of_each_placeholder() {
        for (text, emojis, words) in [
            ("() こんにちは", at(0, 2), "[emoji] こんにちは"),
            ("𠮷野家に行く()ね", at(7, 2), "𠮷野家に行く[emoji]ね"),
            ("a(moon grin)", at(1, 11), "a[emoji: moon grin]"),
            ("( )( 笑 )", format!("{},{}", at(3, 5), at(0, 3)), "[emoji][emoji: 笑]"),
            ("()() () x", format!("{},{},{}", at(0, 2), at(2, 2), at(0, 2)), "[emoji][emoji] () x"),
        ] {
            let shown = shown(text, &emojis);
            assert_eq!((shown.text.as_str(), shown.says_nothing), (words, false), "{text}");
        }
    }

    #[test]
    fn an_odd_entry_changes_nothing() {
        let text = "𠮷 (a(b)) () x";
        let odd = [
            (0, 2),
            (1, 2),
            (2, 2),
            (3, 6),
            (10, 1),
            (10, 3),
            (11, 0),
            (13, 1),
            (14, 2),
            (90, 2),
            (10, usize::MAX),
            (usize::MAX, 2),
            (usize::MAX, usize::MAX),
        ];
        for (index, length) in odd {
            assert_eq!(shown(text, &at(index, length)).text, text, "{index} {length}");
        }
        for odd in ["null", "7", "{}", r#"{"index":-1,"length":2}"#, r#"{"index":"10","length":2}"#] {
            let emojis = format!("{odd},{},{}", at(10, 1), at(10, 2));
            assert_eq!(shown(text, &emojis).text, "𠮷 (a(b)) [emoji] x", "{odd}");
        }
        let long = format!("({})", "a".repeat(LONGEST));
        assert_eq!(shown(&long, &at(0, LONGEST + 2)).text, long);
    }

    #[test]
    fn emojis_alone_say_nothing_unless_one_has_a_name() {
        for (text, emojis, says_nothing) in [
            ("()", at(0, 2), true),
            (" ()\u{200b}() ", format!("{},{}", at(1, 2), at(4, 2)), true),
            ("(\u{200b})", at(0, 3), true),
            ("()", String::new(), false),
            ("()()", at(0, 2), false),
            ("()。", at(0, 2), false),
            ("()(happy)", format!("{},{}", at(0, 2), at(2, 7)), false),
        ] {
            assert_eq!(shown(text, &emojis).says_nothing, says_nothing, "{text}");
        }
    }

    #[test]
    fn a_place_is_the_same_place_in_the_new_text() {
        // The new text is "𠮷[emoji]@a[emoji: b]c".
        let shown = shown("𠮷()@a(b)c", &format!("{},{}", at(2, 2), at(6, 3)));
        for (unit, moved) in [
            (0, Some(0)),
            (2, Some(2)),
            (3, None),
            (4, Some(9)),
            (6, Some(11)),
            (7, None),
            (9, Some(21)),
            (10, Some(22)),
            (usize::MAX, None),
        ] {
            assert_eq!(shown.moved(unit), moved, "{unit}");
        }
    }
}
