//! The prompt: prompt and answer fit the context, the questions are whole, and the kept past messages are the newest.

use worker::{
    rules::conversation::{Message, Role},
    rules::message_kind::MessageKind,
    rules::models::Encoding,
    rules::prompt::{Budget, Prompt},
    rules::tokens,
};

use crate::number;

/// Checks a prompt; returns whether it fits. The input is four numbers (context, answer, encoding and number of
/// questions, repetitions of each text), then lines: the persona, the questions, and the past, in which `>` begins a
/// line of the bot.
pub fn holds(data: &[u8]) -> bool {
    let (context, data) = number(data);
    let (answer, data) = number(data);
    let (kind, data) = number(data);
    let (times, data) = number(data);
    let text = String::from_utf8_lossy(data);
    let mut lines = text.split('\n').map(|line| line.repeat(1 + times % 32));
    let system = lines.next().unwrap_or_default();
    let questions: Vec<String> = lines.by_ref().take(1 + kind / 2 % 3).collect();
    let past: Vec<Message> = lines.map(message).collect();
    let encoding = if kind.is_multiple_of(2) { Encoding::O200k } else { Encoding::Cl100k };
    let budget = Budget { context_tokens: context * 32, max_tokens: answer, encoding };

    let asked: Vec<&str> = questions.iter().map(String::as_str).collect();
    let cost = |text: &str| tokens::count(encoding, text) + 4;
    let fixed = cost(&system) + asked.iter().map(|question| cost(question)).sum::<usize>() + 3;
    let Ok(mut prompt) = Prompt::fit(&system, past.clone(), &asked, budget) else {
        assert!(fixed + answer > budget.context_tokens, "it was not sent, and would have fitted");
        return false;
    };
    loop {
        let sent = prompt.messages();
        let tokens: usize = sent.iter().map(|message| cost(&message.content)).sum::<usize>() + 3;
        assert!(tokens + answer <= budget.context_tokens, "{tokens} tokens");
        let kept = &sent[1..sent.len() - asked.len()];
        assert_eq!(kept, &past[prompt.left_out()..], "not the newest part");
        assert!((sent[0].role, sent[0].content.as_str()) == (Role::System, &system));
        let last = &sent[sent.len() - asked.len()..];
        assert!(last.iter().zip(&asked).all(|(sent, asked)| sent.content == *asked));
        if !prompt.drop_oldest() {
            assert_eq!(prompt.messages().len(), 1 + asked.len());
            return true;
        }
    }
}

fn message(line: String) -> Message {
    let role = if line.starts_with('>') { Role::Assistant } else { Role::User };
    Message { role, content: line, kind: MessageKind::Text, speaker: None }
}
