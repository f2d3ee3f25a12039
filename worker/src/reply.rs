//! From the model's answer to the exact bodies that are pushed. Pure.
//!
//! LINE takes 1 to 5 messages a push, each of at most 5,000 UTF-16 code units (LINE, "Send push
//! message" and "Character counting in a text"). A longer answer is cut at the end of a paragraph, else
//! of a sentence, else of a grapheme; the pieces joined are the answer.

use serde::Serialize;
use shared::job::ConversationId;
use unicode_segmentation::UnicodeSegmentation;

/// The longest text message, in UTF-16 code units.
pub const TEXT_MAX: usize = 5_000;
/// The most messages of one push.
pub const MESSAGES_MAX: usize = 5;

/// A text message as LINE takes it.
#[derive(Serialize)]
pub struct TextMessage<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

impl<'a> From<&'a str> for TextMessage<'a> {
    fn from(text: &'a str) -> Self {
        Self { kind: "text", text }
    }
}

/// The push requests that deliver `text`, in order, as they are stored and sent.
pub fn pushes(to: &ConversationId, text: &str) -> Vec<String> {
    #[derive(Serialize)]
    struct Push<'a> {
        to: &'a str,
        messages: Vec<TextMessage<'a>>,
    }
    split(text)
        .chunks(MESSAGES_MAX)
        .map(|texts| {
            let messages = texts.iter().map(|&text| text.into()).collect();
            serde_json::to_string(&Push { to: to.as_str(), messages }).unwrap_or_default()
        })
        .collect()
}

/// The pieces of `text`, each within LINE's limit. A piece of white space alone, which LINE would
/// refuse, is left out.
pub fn split(text: &str) -> Vec<&str> {
    let mut pieces = vec![];
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(cut(rest));
        pieces.push(piece);
        rest = after;
    }
    pieces.retain(|piece| !piece.trim().is_empty());
    pieces
}

/// Where the first piece of `text` ends, in bytes.
fn cut(text: &str) -> usize {
    let Some(window) = window(text) else { return text.len() };
    // A boundary in the first half would make many small bubbles.
    let late = |&end: &usize| end > window / 2 && end <= window;
    let paragraph = text[..window].rmatch_indices("\n\n").map(|(at, gap)| at + gap.len()).find(late);
    // Looking a little beyond the window tells whether its end is a boundary of the whole text.
    let seen = text[window..].char_indices().nth(64).map_or(text.len(), |(at, _)| window + at);
    let sentence = || {
        let starts = text[..seen].split_sentence_bound_indices().map(|(at, _)| at);
        starts.take_while(|&at| at <= window).filter(late).last()
    };
    paragraph.or_else(sentence).unwrap_or(window)
}

/// The end of the last grapheme within the limit, or `None` if all of `text` is. A grapheme longer
/// than a whole message is cut between characters: the limit is LINE's, and nothing may be lost.
fn window(text: &str) -> Option<usize> {
    let mut units = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        let size: usize = grapheme.chars().map(char::len_utf16).sum();
        if units + size > TEXT_MAX {
            return Some(if at > 0 { at } else { inside(grapheme) });
        }
        units += size;
    }
    None
}

fn inside(grapheme: &str) -> usize {
    let mut units = 0;
    let over = grapheme.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > TEXT_MAX
    });
    over.map_or(grapheme.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests;
