//! Whether a text in a group is said to the bot: by a mention (LINE, "Text", `mention`), or by the prefix. Pure.

use serde::Deserialize;
use shared::{
    prefix::{Prefix, after_name},
    visible::shows_nothing,
};

use super::{lenient::lenient, utf16};

/// The characters that people put before a name at the end of their words.
const COMMAS: [char; 4] = [',', '，', '、', '､'];

/// The users that a text mentions.
#[derive(Deserialize)]
pub(super) struct Mention {
    /// The list of mentions. An odd one does not affect the others.
    mentionees: Vec<Entry>,
}

/// One mention. Places are counted in UTF-16 code units, as in messages that are sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mentionee {
    #[serde(default, deserialize_with = "lenient")]
    index: Option<usize>,
    #[serde(default, deserialize_with = "lenient")]
    length: Option<usize>,
    #[serde(default, deserialize_with = "lenient")]
    is_self: Option<bool>,
}

/// One mention, if it can be read.
#[derive(Deserialize)]
struct Entry(#[serde(deserialize_with = "lenient")] Option<Mentionee>);

impl Mention {
    /// Moves each mention to the place that `moved` returns for the places of its ends. A mention without one is at no
    /// place.
    pub(super) fn move_to(&mut self, moved: impl Fn(usize) -> Option<usize>) {
        for mentionee in self.mentionees.iter_mut().filter_map(|Entry(it)| it.as_mut()) {
            let ends = mentionee.units().and_then(|(start, end)| moved(start).zip(moved(end)));
            mentionee.index = ends.map(|(start, _)| start);
            mentionee.length = ends.map(|(start, end)| end - start);
        }
    }
}

impl Mentionee {
    /// Returns the places of its ends.
    fn units(&self) -> Option<(usize, usize)> {
        Some((self.index?, self.index?.checked_add(self.length?)?))
    }
}

/// Returns the words to the bot, without the mention or the prefix that calls it; `None` if nothing calls the bot. A
/// call without other words stays as it is.
pub(super) fn called(text: &str, mention: Option<&Mention>, prefix: Option<&Prefix>) -> Option<String> {
    let all = mention.map_or(&[][..], |mention| &mention.mentionees);
    let all = all.iter().filter_map(|Entry(it)| it.as_ref());
    let own: Vec<&Mentionee> = all.filter(|it| it.is_self == Some(true)).collect();
    let said = if own.is_empty() { prefix?.strip(text)?.to_owned() } else { without(text, &own) };
    Some(if shows_nothing(&said) { text.to_owned() } else { said.trim().to_owned() })
}

/// Returns the text without these mentions, if they are at the places that they give. The characters between a name and
/// the words are removed, too.
fn without(text: &str, mentions: &[&Mentionee]) -> String {
    let units: Vec<(usize, usize)> = mentions.iter().filter_map(|it| it.units()).collect();
    let bytes = utf16::bytes(text, units.iter().flat_map(|&(start, end)| [start, end]).collect());
    let place = |(start, end): &(usize, usize)| {
        let (start, end) = (*bytes.get(start)?, *bytes.get(end)?);
        let is_mention = text.get(start..end)?.starts_with(['@', '＠']);
        is_mention.then_some((start, end))
    };
    let mut places: Vec<(usize, usize)> = units.iter().filter_map(place).collect();
    places.sort_unstable();
    let (mut said, mut from) = (String::new(), 0);
    for (start, end) in places {
        let Some(before) = text.get(from..start) else { continue };
        append(&mut said, before, from > 0);
        from = end;
    }
    let rest = &text[from..];
    if from > 0 && rest.trim().is_empty() {
        said.truncate(said.trim_end().trim_end_matches(COMMAS).len());
    }
    append(&mut said, rest, from > 0);
    said
}

/// Adds text that may follow a mention. If there are spaces on both sides of the mention, those after it are removed.
/// The result never begins with white space, so that it is not searched again for each mention.
fn append(said: &mut String, more: &str, is_behind: bool) {
    if said.is_empty() {
        return said.push_str(if is_behind { after_name(more) } else { more.trim_start() });
    }
    let is_apart = said.ends_with(char::is_whitespace);
    said.push_str(if is_apart { more.trim_start_matches([' ', '\u{3000}']) } else { more });
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::env::Env;

    use super::*;

    fn said(text: &str, mentionees: &str) -> Option<String> {
        let mention: Mention = serde_json::from_str(&format!(r#"{{"mentionees":[{mentionees}]}}"#)).unwrap();
        let prefix = Env::of([("GROUP_PREFIX".to_owned(), "bot".to_owned())]);
        called(text, Some(&mention), Prefix::from_env(&prefix).unwrap().as_ref())
    }

    fn own(index: usize, length: usize) -> String {
        format!(r#"{{"type":"user","isSelf":true,"index":{index},"length":{length}}}"#)
    }

    #[test]
    fn a_mention_is_taken_out_wherever_it_stands() {
        for (text, at, rest) in [
            ("@Henji hello", 0, "hello"),
            ("hello @Henji", 6, "hello"),
            ("hey @Henji what is up", 4, "hey what is up"),
            ("ねえ@Henji元気？", 2, "ねえ元気？"),
            ("🍎🍎 @Henji hi", 5, "🍎🍎 hi"),
            ("one\n@Henji two", 4, "one\ntwo"),
            ("@Henji、忘れて", 0, "忘れて"),
            ("@Henji：忘れて", 0, "忘れて"),
            ("@Henji: forget", 0, "forget"),
            ("@Henji,forget", 0, "forget"),
            ("@Henji! forget", 0, "forget"),
            ("forget, @Henji", 8, "forget"),
            ("忘れて！ @Henji", 5, "忘れて！"),
            ("@Henji!", 0, "@Henji!"),
            ("@Henji", 0, "@Henji"),
            ("  @Henji ", 2, "  @Henji "),
        ] {
            assert_eq!(said(text, &own(at, 6)).as_deref(), Some(rest), "{text}");
        }
        let twice = format!("{},{}", own(10, 6), own(0, 6));
        assert_eq!(said("@Henji hi @Henji", &twice).as_deref(), Some("hi"));
    }

    #[test]
    fn a_mention_in_the_wrong_place_calls_and_takes_nothing_away() {
        for (index, length) in [(1, 6), (90, 6), (0, 90), (0, 0), (usize::MAX, 1), (1, usize::MAX)] {
            assert_eq!(said("@Henji 🍎 hello", &own(index, length)).as_deref(), Some("@Henji 🍎 hello"));
        }
        assert_eq!(said("@🍎", &own(0, 2)).as_deref(), Some("@🍎"), "half a character");
        let overlapping = format!("{},{}", own(0, 6), own(0, 9));
        assert_eq!(said("@Henji @x hello", &overlapping).as_deref(), Some("@x hello"));
        let odd = r#"{"isSelf":true,"index":"0","length":-1}"#;
        assert_eq!(said("@Henji hello", odd).as_deref(), Some("@Henji hello"));
        let beside_odd = format!("null,7,{{\"isSelf\":7}},{}", own(0, 6));
        assert_eq!(said("@Henji hello", &beside_odd).as_deref(), Some("hello"));
    }

    #[test]
    fn who_is_not_called_hears_nothing() {
        for others in [
            "",
            r#"{"type":"all","index":0,"length":4}"#,
            r#"{"type":"user","userId":"U2","index":0,"length":4,"isSelf":false}"#,
            r#"{"type":"user","index":0,"length":4}"#,
        ] {
            assert_eq!(said("@All hello", others), None, "{others}");
        }
        assert_eq!(said("bot: hello", "").as_deref(), Some("hello"));
        assert_eq!(said("bot", "").as_deref(), Some("bot"));
        assert_eq!(said("a bot", ""), None);
    }
}
