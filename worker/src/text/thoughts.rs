//! Removes the thoughts of a reasoning model from its answer, where the server left them in. Pure.
//!
//! Each family of models marks its thoughts in its own way. A mark that the answer itself talks about stays: it is
//! code, or has a quotation mark before it.

use std::borrow::Cow;

/// The marks before and after a thought: of DeepSeek, Qwen and most other models; spellings of smaller families;
/// Magistral; Kimi; Seed; Command A; Open Thoughts; Gemma 4.
const MARKS: [(&str, &str); 10] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought", "<channel|>"),
];
/// The characters with which a mark begins.
const FIRST: [char; 3] = ['<', '[', '◁'];

/// The marks of OpenAI's harmony format (gpt-oss): a channel's name follows the first, its text the second.
const CHANNEL: &str = "<|channel|>";
const MESSAGE: &str = "<|message|>";
/// The marks that end the text of a channel.
const ENDS: [&str; 5] = ["<|end|>", "<|return|>", "<|call|>", "<|start|>", CHANNEL];
/// The names of two channels, as they stand in a text from which a server removed the marks of the harmony format.
const BARE: (&str, &str) = ("analysis", "assistantfinal");

/// Returns the text without the thoughts. It may be empty.
pub(crate) fn without_thoughts(text: &str) -> Cow<'_, str> {
    let said = final_channel(text);
    if !said.contains(FIRST) {
        return said.into();
    }
    MARKS.iter().fold(Cow::Borrowed(said), |text, (open, close)| match removed(&text, open, close) {
        Some(rest) => Cow::Owned(rest),
        None => text,
    })
}

/// Whether the text begins within a thought: the end of one is its first mark.
pub(crate) fn begins_within(text: &str) -> bool {
    MARKS.iter().any(|(open, close)| {
        text.contains(close) && next(text, 0, &[open, close]).is_some_and(|at| text[at..].starts_with(close))
    })
}

/// Returns the text of the harmony format's channel for people, or a text in another format as it is.
fn final_channel(text: &str) -> &str {
    let begins = text.trim_start();
    if let Some((_, said)) = begins.strip_prefix(BARE.0).and_then(|rest| rest.split_once(BARE.1)) {
        return said;
    }
    let last = text.rfind("<|channel|>final").map(|at| &text[at + CHANNEL.len() + "final".len()..]);
    let is_harmony = begins.starts_with(CHANNEL)
        || begins.starts_with("<|start|>")
        || last.is_some_and(|said| said.trim_start().starts_with(MESSAGE));
    if !is_harmony {
        return text;
    }
    let said = last.unwrap_or("");
    let said = said.split_once(MESSAGE).map_or(said, |(_, said)| said);
    let end = ENDS.iter().filter_map(|end| said.find(end)).min();
    &said[..end.unwrap_or(said.len())]
}

/// Returns the text without the parts between these marks; `None` if it has none. A mark that ends no open thought ends
/// one that began before the text. A thought without an end reaches to the end of the text.
fn removed(text: &str, open: &str, close: &str) -> Option<String> {
    let mut said = String::new();
    let (mut from, mut is_changed) = (0, false);
    while let Some(mark) = next(text, from, &[open, close]) {
        is_changed = true;
        if text[mark..].starts_with(close) {
            said.clear();
            from = mark + close.len();
            continue;
        }
        said.push_str(&text[from..mark]);
        let thought = mark + open.len();
        from = text[thought..].find(close).map_or(text.len(), |at| thought + at + close.len());
    }
    said.push_str(&text[from..]);
    is_changed.then_some(said)
}

/// Returns the place of the first of these marks from `from` on that the text does not merely mention.
fn next(text: &str, from: usize, marks: &[&str]) -> Option<usize> {
    let places = marks.iter().flat_map(|mark| text[from..].match_indices(mark).map(|(at, _)| from + at));
    places.filter(|&at| !is_mentioned(&text[from..at], &text[at..])).min()
}

/// Whether a mark between these texts is a part of what the text says.
fn is_mentioned(before: &str, after: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or(before);
    let is_in_code =
        line.matches('`').count() % 2 == 1 && after.lines().next().is_some_and(|l| l.contains('`'));
    is_in_code
        || before.ends_with(['"', '\'', '“', '「', '『', '‘'])
        || before.matches("```").count() % 2 == 1
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
            assert_eq!(begins_within(text), begins, "{text}");
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
            ("Models write `<think>` and `</think>`.", "Models write `<think>` and `</think>`."),
            ("They write `<think>a</think>`.", "They write `<think>a</think>`."),
            ("It is called \"<think>\".", "It is called \"<think>\"."),
            ("```\n<think>\nhm\n</think>\n```\nis one.", "```\n<think>\nhm\n</think>\n```\nis one."),
            ("The marks are `<|channel|>final`.", "The marks are `<|channel|>final`."),
        ] {
            assert_eq!(without_thoughts(text).trim(), said, "{text}");
        }
    }
}
