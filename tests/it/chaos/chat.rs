//! The texts: every message carries a marker of its own, its chat and its number, and an answer begins with the
//! markers of the messages that it answers. So each text shows to whom it belongs.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use emulator::{
    line::{
        Line,
        phone::{Source, message_event},
        said,
    },
    model::Model,
};
use jiff::Timestamp;
use serde_json::Value;
use worker::{rules::models::Encoding, rules::prompt::Budget, rules::tokens};

use super::schedule::{Event, Kind};

/// The model's context, small enough that a conversation outgrows it.
pub const BUDGET: Budget = Budget { context_tokens: 1_000, max_tokens: 200, encoding: Encoding::O200k };
/// The beginning of the model's answers.
pub const ANSWER: &str = "re ";
/// The sentence that fills an answer of several pushes.
pub const LONG_ANSWER: &str = "A long story. ";
/// The number of messages of which one has such an answer.
const LONG_EVERY: usize = 60;

/// A message's chat, and its number among the schedule's events.
pub type Marker = (usize, usize);

fn marker((chat, event): Marker) -> String {
    format!("⟦{chat}·{event}⟧")
}

/// Returns the markers in a text, in order.
pub fn markers(text: &str) -> Vec<Marker> {
    let inside = text.split('⟦').skip(1).filter_map(|rest| rest.split_once('⟧')?.0.split_once('·'));
    inside.filter_map(|(chat, event)| Some((chat.parse().ok()?, event.parse().ok()?))).collect()
}

/// Returns LINE's id of a chat.
pub fn chat_id(chat: usize, is_group: bool) -> String {
    format!("{}{chat:032x}", if is_group { 'C' } else { 'U' })
}

/// Returns the person whose limit counts; a person in a group is in no other chat.
pub fn person(event: &Event) -> String {
    if event.is_in_group() {
        format!("U{:032x}", 1_000_000_000 + 10 * event.chat + event.speaker)
    } else {
        chat_id(event.chat, false)
    }
}

/// Makes the events as LINE writes them.
pub fn webhook_events(line: &Line, events: &[Event], now: Timestamp) -> Vec<Value> {
    let mut all: Vec<Value> = vec![];
    for (number, event) in events.iter().enumerate() {
        let source = Source::of(&chat_id(event.chat, event.is_in_group()), Some(&person(event)));
        let mark = marker((event.chat, number));
        let said = match event.kind {
            Kind::Unsend(of) => {
                let message = all[of]["message"]["id"].as_str().unwrap().to_owned();
                all.push(line.unsends(source, &message, now));
                continue;
            }
            Kind::Question(words) => format!("{mark} {}", "word ".repeat(words)),
            Kind::TooLong => format!("{mark} {}", "word ".repeat(BUDGET.context_tokens)),
            Kind::Aside => format!("{mark} not for the bot"),
            Kind::Forget => "forget".to_owned(),
        };
        let message = match event.kind {
            Kind::Aside => said::text(&said),
            _ if event.is_in_group() => said::text_in_group(&format!("@Henji {said}"), &[]),
            _ => said::text(said.trim()),
        };
        all.push(message_event(message, source, now));
    }
    all
}

/// Makes a model that answers after 20 milliseconds and notes problems of a prompt.
pub fn model(problems: Arc<Mutex<Vec<String>>>) -> Arc<Model> {
    Model::new(Duration::from_millis(20), move |messages| {
        problems.lock().unwrap().extend(problem(messages));
        answer(messages)
    })
}

/// Returns the model's answer: the markers of the questions that it answers, and something more.
fn answer(messages: &[Value]) -> String {
    let questions = messages.iter().rev().take_while(|message| message["role"] == "user");
    let texts: Vec<_> = questions.filter_map(|question| question["content"].as_str()).collect();
    let asked: Vec<_> = texts.iter().rev().flat_map(|text| markers(text)).collect();
    let said: String = asked.iter().copied().map(marker).collect();
    let is_long = asked.iter().any(|(_, event)| event % LONG_EVERY == LONG_EVERY - 1);
    let more = if is_long { LONG_ANSWER.repeat(2_000) } else { "So it is.".to_owned() };
    format!("{ANSWER}{said} {more}")
}

/// Returns the problem of a prompt: it has messages of several chats, or is larger than the context.
fn problem(messages: &[Value]) -> Option<String> {
    let text = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    let texts: Vec<String> = messages.iter().map(text).collect();
    let all: Vec<Marker> = texts.iter().flat_map(|text| markers(text)).collect();
    if all.iter().any(|(chat, _)| *chat != all[0].0) {
        return Some(format!("a prompt speaks of several chats: {all:?}"));
    }
    // OpenAI counts four tokens a message, and three for the start of the answer.
    let tokens = texts.iter().map(|text| tokens::count(BUDGET.encoding, text) + 4).sum::<usize>() + 3;
    let is_over = tokens + BUDGET.max_tokens > BUDGET.context_tokens;
    is_over.then(|| format!("a prompt of {tokens} tokens is over the context: {all:?}"))
}
