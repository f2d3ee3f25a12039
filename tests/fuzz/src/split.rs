//! Splitting: the messages joined are the answer, LINE takes each one, and none ends inside a grapheme.

use std::collections::HashSet;

use serde_json::Value;
use shared::job::ConversationId;
use unicode_segmentation::UnicodeSegmentation;
use worker::{
    text::markdown::Plain,
    text::messages::{MESSAGES_MAX, Reply, TEXT_MAX, by_token, pushes},
};

use crate::number;

/// A length that is more than one push takes, and still fast to split.
const LONGEST: usize = 60_000;

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Checks the split of a text; returns whether it has several messages. The input begins with three numbers: the
/// repetitions of the text (it has to be long), and which of its lines are code.
pub fn holds(data: &[u8]) -> bool {
    let (times, data) = number(data);
    let (start, data) = number(data);
    let (length, data) = number(data);
    let mut text = String::from_utf8_lossy(data).repeat(1 + times);
    text.truncate(text.floor_char_boundary(LONGEST));
    let line = |n: usize| text.match_indices('\n').nth(n).map_or(text.len(), |(at, _)| at + 1);
    let code = std::iter::once(line(start)..line(start + length)).collect();
    let reply = Reply { words: Plain { text: text.clone(), code }, ..Reply::default() };
    let bodies = pushes(&ConversationId::of_known_id("U1".to_owned()).unwrap(), &reply);

    let boundaries: HashSet<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
    let has_giants = text.graphemes(true).any(|grapheme| units(grapheme) > TEXT_MAX);
    let (mut at, mut pieces) = (0, 0);
    for body in &bodies {
        let push: Value = serde_json::from_str(body).unwrap();
        let by_token: Value = serde_json::from_str(&by_token("t", body)).unwrap();
        assert_eq!(push["messages"], by_token["messages"]);
        let messages = push["messages"].as_array().unwrap();
        assert!((1..=MESSAGES_MAX).contains(&messages.len()));
        for piece in messages.iter().map(|message| message["text"].as_str().unwrap()) {
            assert!(units(piece) <= TEXT_MAX && !piece.trim().is_empty());
            let gap = text[at..].find(piece).expect("the words are not the answer's");
            assert!(text[at..at + gap].trim().is_empty(), "words are left out");
            at += gap;
            assert!(has_giants || boundaries.contains(&at), "cut inside a grapheme");
            at += piece.len();
            pieces += 1;
        }
    }
    assert!(text[at..].trim().is_empty(), "the end is left out");
    pieces > 1
}
