//! The words of the offline model: a friend who uses many emojis and answers in the language of the question. Its
//! answer quotes earlier messages, to show how much of the conversation the model was given.

use serde_json::Value;

use super::see::{pictures, text};

/// The number of earlier messages that are quoted and, below, the most characters of each.
const QUOTED: usize = 3;
const QUOTED_MAX: usize = 24;
/// The number of paragraphs of a long answer: more than fit into one LINE message.
const PARAGRAPHS: usize = 130;

/// Makes the answer to the messages of a request.
pub(super) fn words(messages: &[Value]) -> String {
    let asked = || messages.iter().filter(|message| message["role"] == "user");
    let mut told: Vec<String> = asked().map(text).collect();
    let question = told.pop().unwrap_or_default();
    let seen = asked().next_back().map(pictures).unwrap_or_default();
    let is_japanese =
        question.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'));
    let mut answer = if is_japanese { japanese(&question, &told) } else { english(&question, &told) };
    for picture in seen {
        answer = format!("👀 {picture}\n\n{answer}");
    }
    if ["長い話", "long story"].iter().any(|wish| question.to_lowercase().contains(wish)) {
        let story = (1..=PARAGRAPHS).map(|n| paragraph(n, is_japanese));
        return [answer].into_iter().chain(story).collect::<Vec<_>>().join("\n\n");
    }
    answer
}

fn paragraph(n: usize, is_japanese: bool) -> String {
    if is_japanese {
        format!(
            "第{n}話🌙 むかしむかし、お返事がとても遅い友達がいました。でも、どんなに時間がかかっても、どこで転んでも、お返事は必ず、ちょうど一回だけ届いたのです📮✨"
        )
    } else {
        format!(
            "Chapter {n} 🌙 Once upon a time there was a friend who took very long to answer. But however long it took, and wherever it stumbled, the answer always arrived, exactly once 📮✨"
        )
    }
}

fn japanese(question: &str, told: &[String]) -> String {
    let remembered = match told {
        [] => "はじめまして！これからよろしくね🤝".to_owned(),
        told => format!("ここまでの{}件、ちゃんと覚えてるよ📝\n{}", told.len(), quoted(told, '「', '」')),
    };
    format!("「{}」ですね！😊✨\n\n{remembered}", short(question))
}

fn english(question: &str, told: &[String]) -> String {
    let remembered = match told {
        [] => "Nice to meet you! I'm so happy you wrote 🤝".to_owned(),
        told => format!("So far you told me {} thing(s) 📝\n{}", told.len(), quoted(told, '“', '”')),
    };
    format!("“{}”, got it! 😊✨\n\n{remembered}", short(question))
}

fn quoted(told: &[String], open: char, close: char) -> String {
    let from = told.len().saturating_sub(QUOTED);
    let lines = told[from..].iter().map(|text| format!("・{open}{}{close}", short(text)));
    lines.collect::<Vec<_>>().join("\n")
}

fn short(text: &str) -> String {
    let text = text.replace('\n', " ");
    match text.char_indices().nth(QUOTED_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
