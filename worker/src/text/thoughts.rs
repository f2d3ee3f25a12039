//! Removes the thoughts of a reasoning model from its answer, where the server left them in. Pure.
//!
//! Each family of models marks its thoughts in its own way. A mark that the answer itself talks about stays: it is
//! code, or in quotation marks.

use std::borrow::Cow;

/// The marks before and after a thought: of DeepSeek, Qwen and most other models; spellings of smaller families;
/// Magistral; Kimi; Seed; Command A; Open Thoughts; Gemma 4.
const MARKS: [(&str, &str); 12] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<thoughts>", "</thoughts>"),
    ("<reflection>", "</reflection>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought", "<channel|>"),
];
/// The marks of a block of code.
const FENCE: &str = "```";
/// The quotation marks.
const QUOTES: [(char, char); 6] =
    [('"', '"'), ('\'', '\''), ('“', '”'), ('‘', '’'), ('「', '」'), ('『', '』')];
/// The bytes with which a mark begins. The last is the first one of `◁`.
const FIRST: [u8; 3] = [b'<', b'[', 0xe2];

/// The marks of OpenAI's harmony format (gpt-oss): a channel's name follows the first, its text the second.
const CHANNEL: &str = "<|channel|>";
const MESSAGE: &str = "<|message|>";
/// The marks that end the text of a channel.
const ENDS: [&str; 5] = ["<|end|>", "<|return|>", "<|call|>", "<|start|>", CHANNEL];
/// The name of the channel for people, and of the others.
const FINAL: &str = "final";
const HIDDEN: [&str; 2] = ["analysis", "commentary"];
/// The names of two channels, as they stand in a text from which a server removed the marks of the harmony format.
const BARE: (&str, &str) = ("analysis", "assistantfinal");

/// A text without its thoughts.
pub(crate) struct Said<'a> {
    /// The text. It may be empty.
    pub(crate) text: Cow<'a, str>,
    /// Whether it began within a thought: the end of one was its first mark.
    pub(crate) began_within_thought: bool,
}

/// Removes the thoughts from a text.
pub(crate) fn without_thoughts(text: &str) -> Said<'_> {
    let said = Said { text: final_channel(text).into(), began_within_thought: false };
    if !has_mark(&said.text) {
        return said;
    }
    MARKS.iter().fold(said, |said, (open, close)| match removed(&said.text, open, close) {
        Some((rest, begins)) => {
            Said { text: rest.into(), began_within_thought: said.began_within_thought || begins }
        }
        None => said,
    })
}

/// Whether a text has any mark of a thought. Most texts have none, and this reads them once.
fn has_mark(text: &str) -> bool {
    let bytes = text.as_bytes();
    let begins = |at: usize, mark: &str| bytes[at..].starts_with(mark.as_bytes());
    let places = bytes.iter().enumerate().filter(|(_, byte)| FIRST.contains(byte)).map(|(at, _)| at);
    let mut places = places;
    places.any(|at| MARKS.iter().any(|(open, close)| begins(at, open) || begins(at, close)))
}

/// Returns the text of the harmony format's channel for people, or a text in another format as it is.
fn final_channel(text: &str) -> &str {
    let begins = text.trim_start();
    if let Some(rest) = begins.strip_prefix(BARE.0).filter(|rest| rest.starts_with(char::is_uppercase)) {
        return rest.split_once(BARE.1).map_or("", |(_, said)| said);
    }
    let word = begins.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    if ![CHANNEL, MESSAGE, "<|start|>"].iter().any(|mark| word.starts_with(mark)) {
        return text;
    }
    // Each text has a header before it, which names the channel.
    let (mut said, mut rest) = ("", begins);
    while let Some((header, after)) = rest.split_once(MESSAGE) {
        let end = ENDS.iter().filter_map(|end| after.find(end)).min().unwrap_or(after.len());
        let channel = header.rsplit_once(CHANNEL).map(|(_, channel)| channel.trim());
        let is_final = match channel {
            Some(channel) => channel.starts_with(FINAL),
            None => !HIDDEN.contains(&header.trim()),
        };
        if is_final {
            said = &after[..end];
        }
        rest = &after[end..];
    }
    // Some servers leave out the mark before the text.
    match rest.split_once(CHANNEL).map(|(_, rest)| rest.trim_start()) {
        Some(last) if said.is_empty() => {
            let last = last.rsplit_once(CHANNEL).map_or(last, |(_, last)| last.trim_start());
            last.strip_prefix(FINAL).unwrap_or("")
        }
        _ => said,
    }
}

/// Returns the text without the parts between these marks, and whether it began within such a part; `None` if it has no
/// mark. A mark that ends no open thought ends one that began before the text. A thought without an end reaches to the
/// end of the text.
fn removed(text: &str, open: &str, close: &str) -> Option<(String, bool)> {
    let places = |mark| text.match_indices(mark).map(move |(at, _)| (at, mark));
    let mut marks: Vec<(usize, &str)> = places(open).chain(places(close)).collect();
    marks.sort_unstable();
    let (mut said, mut from, mut is_thought, mut began_within) = (String::new(), 0, false, None);
    let last_fence = text.rfind(FENCE);
    let mut before = Before::default();
    for (at, mark) in marks {
        let is_end = mark == close;
        if is_thought {
            if is_end {
                (from, is_thought) = (at + mark.len(), false);
                before = Before::default();
                before.at = from;
            }
            continue;
        }
        before.reach(text, at);
        if before.mentions(&text[at + mark.len()..], last_fence.is_some_and(|fence| fence > at)) {
            continue;
        }
        began_within.get_or_insert(is_end);
        if is_end {
            said.clear();
            from = at + mark.len();
        } else {
            said.push_str(&text[from..at]);
            is_thought = true;
        }
    }
    if !is_thought {
        said.push_str(&text[from..]);
    }
    Some((said, began_within?))
}

/// The text before a mark, as far as it shows whether the text mentions the mark.
#[derive(Default)]
struct Before {
    /// The place up to which the text is read.
    at: usize,
    /// The number of fences of code.
    fences: usize,
    /// The number of backticks in the line.
    backticks: usize,
    last: Option<char>,
}

impl Before {
    /// Reads the text up to this place.
    fn reach(&mut self, text: &str, at: usize) {
        let more = &text[self.at..at];
        self.fences += more.matches(FENCE).count();
        if more.contains('\n') {
            self.backticks = 0;
        }
        self.backticks += more.rsplit('\n').next().unwrap_or(more).matches('`').count();
        self.last = more.chars().next_back().or(self.last);
        self.at = at;
    }

    /// Whether a mark between the text before and `after` is a part of what the text says.
    fn mentions(&self, after: &str, is_fence_after: bool) -> bool {
        let is_quoted = |(open, close): &(char, char)| self.last == Some(*open) && after.starts_with(*close);
        self.fences % 2 == 1 && is_fence_after
            || QUOTES.iter().any(is_quoted)
            || self.backticks % 2 == 1 && after.lines().next().is_some_and(|line| line.contains('`'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_begins_within_a_thought_if_an_end_is_its_first_mark() {
        for (text, begins) in [
            ("hm</think>Hello", true),
            ("<think>hm</think>Hello", false),
            ("The mark `</think>` ends it.", false),
            ("Hello", false),
        ] {
            assert_eq!(without_thoughts(text).began_within_thought, begins, "{text}");
        }
    }

    #[test]
    fn a_text_of_many_marks_is_read_in_one_go() {
        for text in ["`<think>` ", "</think>", "<think>", "<think></think>"] {
            without_thoughts(&text.repeat(20_000));
        }
    }

    #[test]
    fn thoughts_are_removed_whatever_marks_them_and_marks_that_are_mentioned_stay() {
        for (text, said) in [
            ("hello", "hello"),
            ("a < b, [1] and ◁", "a < b, [1] and ◁"),
            ("<think>\nlet me see\n</think>\n\nHello", "Hello"),
            ("I should greet back.\n</think>\n\nHello", "Hello"),
            ("<think></think>Hello", "Hello"),
            ("<think>and so on", ""),
            ("Hello <think>or goodbye?</think> there", "Hello  there"),
            ("<think>one</think>Hello<think>two</think>!", "Hello!"),
            ("<think>a<think>b</think>c</think>Hello", "Hello"),
            ("<think>a `</think>Hello", "Hello"),
            ("<thinking>hm</thinking>Hello", "Hello"),
            ("<seed:think>hm</seed:think>Hello", "Hello"),
            ("[THINK]hm[/THINK]Hello", "Hello"),
            ("◁think▷hm◁/think▷Hello", "Hello"),
            ("<|START_THINKING|>hm<|END_THINKING|>Hello", "Hello"),
            ("<|channel>thought\nhm<channel|>Hello", "Hello"),
            (
                "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>Hello",
                "Hello",
            ),
            ("<|channel|>final<|message|>Hello<|return|>", "Hello"),
            ("<|channel|>analysis The person greets. <|channel|>final Hello", "Hello"),
            ("<|channel|>analysis<|message|>and so on", ""),
            ("<|channel|>commentary<|message|>I look it up.<|end|>", ""),
            ("analysisThe person greets.assistantfinalHello", "Hello"),
            ("analysis of the final result", "analysis of the final result"),
            (
                "The format is `<|channel|>final<|message|>Hi<|return|>`.",
                "The format is `<|channel|>final<|message|>Hi<|return|>`.",
            ),
            ("Models write `<think>` and `</think>`.", "Models write `<think>` and `</think>`."),
            ("They write `<think>a</think>`.", "They write `<think>a</think>`."),
            ("I say \"hi\" and \"hello\"</think>\n\nHello", "Hello"),
            ("I use a ```json block.\n</think>\n\nHello", "Hello"),
            ("\"<think>x</think>Hello\"", "\"Hello\""),
            ("analysis<|message|>and so on", ""),
            ("assistant<|channel|>analysis<|message|>and so on", ""),
            ("analysisThe person greets", ""),
            ("<|channel|> final<|message|>Hello", "Hello"),
            ("<|start|>assistant<|message|>Hello", "Hello"),
            ("It is called \"<think>\".", "It is called \"<think>\"."),
            ("```\n<think>\nhm\n</think>\n```\nis one.", "```\n<think>\nhm\n</think>\n```\nis one."),
            ("The marks are `<|channel|>final`.", "The marks are `<|channel|>final`."),
        ] {
            assert_eq!(without_thoughts(text).text.trim(), said, "{text}");
        }
    }
}
