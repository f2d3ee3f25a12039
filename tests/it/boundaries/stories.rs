//! What is lived through at every boundary: what people do, what the model makes of it, and what must be left.

use cli::{
    send::webhook_of,
    standin::{
        Act,
        line::{Line, phone, said},
        model::{COMPLETIONS, Model},
    },
};
use serde_json::{Value, json};
use worker::answer::wall_clock;

use crate::{bot::USER, media::jpeg};

pub struct Story {
    pub name: &'static str,
    pub variables: &'static [(&'static str, &'static str)],
    /// What LINE posts, each after all before was worked on.
    pub webhooks: fn(&Line) -> Vec<Value>,
    pub model: fn(&Model),
    /// What people said that is kept at the end, in order.
    pub kept: &'static [&'static str],
    /// How many questions the model is asked, if each by itself.
    pub asks: usize,
    pub ends: Ends,
}

/// How a story ends, whatever happens meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Every question has an answer, and it was said.
    Answered,
    /// The same; but what became of a free reply may be unknown.
    AnsweredByReply,
    /// It was answered, and then forgotten.
    Forgotten,
    /// There is a dead letter, and the user was told.
    Refused,
}

/// What is answered with more than one request can carry.
const TELL_MUCH: &str = "tell me much";

/// What the model says to this.
pub fn answer(question: &str) -> String {
    if question == TELL_MUCH {
        "word ".repeat(6_000).trim().to_owned()
    } else {
        format!("answer to {question}")
    }
}

const PLAIN: Story = Story {
    name: "a question",
    variables: &[],
    webhooks: |_| vec![webhook_of("hello", USER)],
    model: |_| {},
    kept: &["hello"],
    asks: 1,
    ends: Ends::Answered,
};

pub fn plain() -> Vec<Story> {
    vec![PLAIN]
}

pub fn all() -> Vec<Story> {
    vec![
        PLAIN,
        Story {
            name: "a long answer",
            webhooks: |_| vec![webhook_of(TELL_MUCH, USER)],
            kept: &[TELL_MUCH],
            ..PLAIN
        },
        Story {
            name: "a free reply",
            variables: &[("DELIVERY", "reply-first")],
            ends: Ends::AnsweredByReply,
            ..PLAIN
        },
        Story { name: "a redelivery", webhooks: twice, ..PLAIN },
        Story {
            name: "a burst",
            variables: &[("BURST", "merge")],
            webhooks: |_| vec![two_at_once()],
            kept: &["hello", "again"],
            asks: 2,
            ..PLAIN
        },
        Story { name: "a refusal", model: refuses, kept: &[], ends: Ends::Refused, ..PLAIN },
        Story { name: "an unsend", webhooks: taken_back, kept: &[], ends: Ends::Forgotten, ..PLAIN },
        Story {
            name: "a picture",
            variables: &[("GPT_MODEL", "gpt-4o")],
            webhooks: |line| vec![webhook(vec![picture(line)])],
            kept: &["[image]"],
            ..PLAIN
        },
        Story {
            name: "a second question",
            webhooks: |_| vec![webhook_of("hello", USER), webhook_of("again", USER)],
            kept: &["hello", "again"],
            asks: 2,
            ..PLAIN
        },
    ]
}

fn webhook(events: Vec<Value>) -> Value {
    json!({ "destination": phone::BOT, "events": events })
}

fn refuses(model: &Model) {
    let error = json!({ "error": { "message": "on purpose", "type": "invalid_request_error", "param": null, "code": null } });
    model.script.misbehaves(COMPLETIONS, Some(&Act::Respond(400, vec![], error.to_string())), false);
}

fn twice(_: &Line) -> Vec<Value> {
    let first = webhook_of("hello", USER);
    vec![first.clone(), redelivered(&first)]
}

/// As LINE posts a webhook for which it heard no 200.
pub fn redelivered(webhook: &Value) -> Value {
    let mut again = webhook.clone();
    for event in again["events"].as_array_mut().unwrap() {
        event["deliveryContext"]["isRedelivery"] = true.into();
    }
    again
}

fn two_at_once() -> Value {
    let event = |text| phone::message_event(said::text(text), USER, wall_clock()());
    webhook(vec![event("hello"), event("again")])
}

fn taken_back(line: &Line) -> Vec<Value> {
    let said = webhook_of("hello", USER);
    let id = said["events"][0]["message"]["id"].as_str().unwrap().to_owned();
    let unsent = line.unsends(USER, &id, wall_clock()());
    vec![said, webhook(vec![unsent])]
}

fn picture(line: &Line) -> Value {
    phone::message_event(said::image(&line.holds("image/jpeg", jpeg(1_000))), USER, wall_clock()())
}
