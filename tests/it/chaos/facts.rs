//! The facts about all events, on either back end, and their meaning. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use emulator::{
    faults::{FaultPlan, Seen},
    line::{PUSH, REPLY, Sent},
};
use serde_json::Value;
use shared::job::EventId;
use tokio::time::Instant;
use worker::{clock::wall_clock, turn::deliver::retry_key};

use super::{
    chat::{ANSWER, LONG_ANSWER, Marker, chat_id, markers},
    schedule::Schedule,
};

/// A number of pushes that no answer reaches.
const PARTS: u32 = 8;

/// LINE's record of an event.
#[derive(Clone)]
pub struct Posted {
    pub webhook: Value,
    /// The time of the first try: the bot took the event no earlier.
    pub first: Option<Instant>,
    /// The time of the first 200, if there was one: the bot took the event no later.
    pub accepted: Option<Instant>,
}

impl Posted {
    pub fn new(webhook: Value) -> Self {
        Self { webhook, first: None, accepted: None }
    }

    /// LINE delivers the event. It happened at the time of the first delivery.
    pub fn is_delivered(&mut self, at: Instant) {
        if self.first.is_none() {
            self.first = Some(at);
            self.webhook["timestamp"] = wall_clock()().as_millisecond().into();
        }
    }

    fn id(&self) -> EventId {
        EventId::try_from(self.webhook["webhookEventId"].as_str().unwrap().to_owned()).unwrap()
    }

    /// Returns the retry keys and the reply token of its answer's parts.
    fn names(&self) -> impl Iterator<Item = (String, u32)> {
        let (id, token) = (self.id(), self.webhook["replyToken"].as_str().map(ToOwned::to_owned));
        let pushes = (0..PARTS).map(move |part| (retry_key(&id, part).to_string(), part));
        token.map(|token| (token, 0)).into_iter().chain(pushes)
    }
}

pub struct Facts {
    pub posted: Vec<Posted>,
    /// Everything that LINE accepted, in order.
    pub sent: Vec<Sent>,
    /// The retry keys and reply tokens of all requests to LINE.
    pub tried: HashSet<String>,
    /// The reason and state of each dead letter, by event.
    pub letters: HashMap<String, (String, String)>,
    /// The stage of each turn, and whether it was given up.
    pub turns: HashMap<String, (u8, bool)>,
    /// The conversation, role and content of each stored message.
    pub rows: Vec<(String, String, String)>,
    /// The turn that answered a question together with its own, by the question's event.
    pub merged: HashMap<String, String>,
    /// The conversations that have too many turns for `merged` to be complete.
    pub outgrown: HashSet<String>,
    /// The problems of prompts.
    pub problems: Vec<String>,
}

/// Returns the reason and state of each letter that `henji dlq list --json` shows, by event.
pub fn letters(listed: &[Value]) -> HashMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    listed.iter().map(|it| (text(&it["event"]), (text(&it["reason"]), text(&it["state"])))).collect()
}

/// Returns the retry keys and reply tokens of all requests to LINE.
pub fn tried(line: &FaultPlan) -> HashSet<String> {
    let seen = [PUSH, REPLY].into_iter().flat_map(|path| line.seen(path));
    let name = |seen: Seen| {
        let token = || seen.body["replyToken"].as_str().unwrap_or_default().to_owned();
        seen.headers.get("x-line-retry-key").cloned().unwrap_or_else(token)
    };
    seen.map(name).collect()
}

/// The messages that LINE accepted for one event.
#[derive(Default)]
pub struct Heard {
    /// The number of times that each part of its answer was accepted.
    pub parts: BTreeMap<u32, usize>,
    pub apologies: usize,
    /// Whether the first message is the model's answer.
    pub is_answer: bool,
    /// Whether the answer takes several pushes.
    pub is_long: bool,
    /// The other events whose answers answer it, too.
    pub with: Vec<usize>,
    /// The place of its answer: among everything sent, and within the message.
    pub at: Option<(usize, usize)>,
}

impl Heard {
    pub fn is_answered(&self) -> bool {
        !self.parts.is_empty() || !self.with.is_empty()
    }
}

impl Facts {
    /// Returns what each person got for each event, and the problems of the sent messages.
    pub fn heard(&self, schedule: &Schedule) -> (Vec<Heard>, Vec<String>) {
        let mut heard: Vec<Heard> = self.posted.iter().map(|_| Heard::default()).collect();
        let mut wrong = vec![];
        let names = self.names();
        for (place, sent) in self.sent.iter().enumerate() {
            let name = sent.retry_key.as_ref().unwrap_or(&sent.to);
            let Some(&(number, part)) = names.get(name) else {
                wrong.push(format!("something was sent that belongs to no event: {sent:?}"));
                continue;
            };
            let event = &schedule.events[number];
            if sent.retry_key.is_some() && sent.to != chat_id(event.chat, event.is_in_group()) {
                wrong.push(format!("what belongs to event {number} went to {}", sent.to));
            }
            let Some(part) = part else {
                heard[number].apologies += 1;
                continue;
            };
            *heard[number].parts.entry(part).or_default() += 1;
            let text = sent.texts.concat();
            if markers(&text).iter().any(|(chat, _)| *chat != event.chat) {
                wrong.push(format!("the answer to event {number} speaks of another chat"));
            }
            if part > 0 || !text.starts_with(ANSWER) {
                continue;
            }
            heard[number].is_answer = true;
            heard[number].is_long = text.contains(LONG_ANSWER);
            let answered: Vec<Marker> = markers(&text);
            if !answered.contains(&(event.chat, number)) {
                wrong.push(format!("the answer to event {number} is one to {answered:?}"));
            }
            for (index, (_, of)) in answered.into_iter().enumerate() {
                heard[of].at.get_or_insert((place, index));
                if of != number {
                    heard[of].with.push(number);
                }
            }
        }
        (heard, wrong)
    }

    /// Returns the retry keys and reply tokens of each event with the part; an apology has no part.
    fn names(&self) -> HashMap<String, (usize, Option<u32>)> {
        let mut names = HashMap::new();
        for (number, posted) in self.posted.iter().enumerate() {
            names.extend(posted.names().map(|(name, part)| (name, (number, Some(part)))));
            names.insert(posted.id().derive("apology").to_string(), (number, None));
        }
        names
    }

    /// Whether LINE was ever asked to deliver an answer to this event.
    pub fn was_tried(&self, event: usize) -> bool {
        self.posted[event].names().any(|(name, _)| self.tried.contains(&name))
    }

    /// Whether the other's turn may have answered this event.
    pub fn may_be_merged(&self, event: usize, with: usize) -> bool {
        let source = &self.posted[event].webhook["source"];
        let conversation = source["groupId"].as_str().or(source["userId"].as_str()).unwrap();
        self.outgrown.contains(conversation)
            || self.merged.get(self.posted[event].id().as_str()).map(String::as_str)
                == Some(self.posted[with].id().as_str())
    }

    pub fn letter(&self, event: usize) -> Option<&(String, String)> {
        self.letters.get(self.posted[event].id().as_str())
    }

    pub fn turn(&self, event: usize) -> (u8, bool) {
        self.turns.get(self.posted[event].id().as_str()).copied().unwrap_or_default()
    }
}
