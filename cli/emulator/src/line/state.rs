//! LINE's memory of one channel: people, groups, contents, tokens, and all that was accepted.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use super::{
    ids::{message_id, quote_token},
    message::Message,
};
use crate::{
    faults::{Fault, FaultPlan},
    lock::lock,
};

/// A push or reply that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The chat of a push; the token of a reply.
    pub to: String,
    /// The texts of its messages.
    pub texts: Vec<String>,
    /// Its messages.
    pub messages: Vec<Message>,
    /// The push's retry key.
    pub retry_key: Option<String>,
}

impl Sent {
    pub(super) fn new(to: &str, messages: Vec<Message>, retry_key: Option<String>) -> Self {
        let texts = messages.iter().map(|message| message.text.clone()).collect();
        Self { to: to.to_owned(), texts, messages, retry_key }
    }
}

/// What a phone shows because the bot asked for it.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// Messages.
    Messages {
        /// Each one's id, and the id of the message that it quotes.
        messages: Vec<(String, Message, Option<String>)>,
        /// Whether by the free reply token.
        by_reply: bool,
    },
    /// The loading animation, until this many seconds are over or a message comes.
    Loading {
        /// How long.
        seconds: u64,
    },
}

type OnArrival = Box<dyn Fn(&str, Arrival) + Send + Sync>;

/// The platform with one channel.
#[derive(Default)]
pub struct Line {
    /// What it does wrong, and what it was asked.
    pub faults: FaultPlan,
    pub(super) memory: Mutex<Memory>,
    sent: watch::Sender<Vec<Sent>>,
    on_arrival: OnceLock<OnArrival>,
}

#[derive(Default)]
pub(super) struct Memory {
    /// Retry keys that were accepted.
    pub(super) keys: HashMap<String, Accepted>,
    /// Reply tokens that went out with a webhook.
    pub(super) tokens: HashMap<String, Token>,
    /// Messages a month; unlimited if `None`.
    pub(super) quota: Option<usize>,
    pub(super) used: usize,
    /// Messages that a broadcast under way has reserved, and not used yet.
    pub(super) reserved: usize,
    pub(super) users: Vec<User>,
    pub(super) groups: HashMap<String, Group>,
    pub(super) contents: HashMap<String, Content>,
    /// What becomes of the voices and videos that are sent.
    pub(super) prepares: Preparation,
    pub(super) hides_lengths: bool,
    /// The chat and the id of the messages that can be quoted, by their tokens.
    pub(super) quotable: HashMap<String, (String, String)>,
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// LINE's id of them.
    pub id: String,
    /// Their display name.
    pub name: String,
    /// Their language, as a BCP 47 tag.
    pub language: String,
    /// Whether they are the bot's friend; false once they blocked it.
    pub follows: bool,
}

/// What a message carries beside its JSON.
#[derive(Clone)]
pub(super) enum Content {
    /// Its bytes, their media type, and how far they are prepared.
    Here(&'static str, Bytes, Preparation),
    /// It was taken back.
    Unsent,
}

/// How far a voice or a video is prepared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preparation {
    /// It can be got.
    #[default]
    Done,
    /// It can after it was looked for so many times.
    After(u32),
    /// It never will.
    Failed,
}

/// A group, or a room, which is LINE's multi-person chat.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) members: Vec<String>,
    pub(crate) has_bot: bool,
}

impl Group {
    pub(super) fn of(members: &[&str]) -> Self {
        let members = members.iter().map(|&id| id.to_owned()).collect();
        Self { members, has_bot: true, ..Self::default() }
    }

    /// Somebody is in it; false if they were before.
    pub(crate) fn adds(&mut self, user: &str) -> bool {
        let is_new = self.members.iter().all(|known| known != user);
        if is_new {
            self.members.push(user.to_owned());
        }
        is_new
    }
}

/// A token that went out.
pub(super) struct Token {
    pub(super) chat: String,
    pub(super) first: Instant,
    pub(super) last: Instant,
    pub(super) spent: bool,
}

/// What was answered to the first request with a key.
#[derive(Clone)]
pub(super) struct Accepted {
    pub(super) request: String,
    pub(super) answer: Value,
    pub(super) at: Instant,
}

impl Line {
    /// One that behaves.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Everything that was accepted so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    /// Tells of everything that is accepted.
    pub fn watch(&self) -> watch::Receiver<Vec<Sent>> {
        self.sent.subscribe()
    }

    /// From now on `show` is called with everything that arrives at a phone. Set once.
    pub fn shows(&self, show: impl Fn(&str, Arrival) + Send + Sync + 'static) {
        let _ = self.on_arrival.set(Box::new(show));
    }

    /// So many messages are left this month.
    pub fn has_left(&self, messages: usize) {
        let mut memory = lock(&self.memory);
        memory.quota = Some(memory.used + messages);
    }

    /// So many are left, or any number.
    pub fn has_quota(&self, left: Option<usize>) {
        let mut memory = lock(&self.memory);
        memory.quota = left.map(|left| memory.used + left);
    }

    /// A broadcast reserves so many of the month's messages until it ends, when none are (LINE, "FAQ").
    pub fn reserves(&self, messages: usize) {
        lock(&self.memory).reserved = messages;
    }

    /// The next request to `path` gets this error.
    pub fn fails(&self, path: &str, status: u16, message: &str) {
        self.faults.will(path, Fault::Respond(status, vec![], json!({ "message": message }).to_string()));
    }

    /// Messages were accepted for a chat: notes, counts and shows them, and returns LINE's answer.
    pub(super) fn accept(&self, chat: &str, counts: usize, sent: Sent) -> Value {
        let mut memory = lock(&self.memory);
        memory.used += counts;
        let (mut messages, mut answer) = (vec![], vec![]);
        for message in sent.messages.iter().cloned() {
            let quotes =
                message.quotes.as_ref().and_then(|token| Some(memory.quotable.get(token)?.1.clone()));
            let (id, token) = (message_id(), quote_token());
            answer.push(json!({ "id": id, "quoteToken": token }));
            memory.quotable.insert(token, (chat.to_owned(), id.clone()));
            messages.push((id, message, quotes));
        }
        drop(memory);
        let by_reply = sent.retry_key.is_none();
        self.sent.send_modify(|all| all.push(sent));
        self.arrive(chat, Arrival::Messages { messages, by_reply });
        json!({ "sentMessages": answer })
    }

    /// Whether a message may be quoted in this chat: not one of another. A token that is not known may be of
    /// a webhook that somebody else posted.
    pub(super) fn can_quote(&self, chat: &str, token: &str) -> bool {
        lock(&self.memory).quotable.get(token).is_none_or(|(of, _)| of == chat)
    }

    /// Nothing arrives at who blocked the bot, and LINE does not say so (LINE, "Send push message").
    pub(super) fn arrive(&self, chat: &str, arrival: Arrival) {
        if self.is_blocked_by(chat) {
            return;
        }
        if let Some(show) = self.on_arrival.get() {
            show(chat, arrival);
        }
    }

    /// Whether somebody blocked the bot.
    pub fn is_blocked_by(&self, chat: &str) -> bool {
        lock(&self.memory).users.iter().any(|user| user.id == chat && !user.follows)
    }
}
