//! The data that LINE keeps of one channel: people, groups, contents, tokens, and all accepted messages.

use std::{
    collections::{HashMap, HashSet},
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
    /// The chat of a push, or the reply token of a reply.
    pub to: String,
    /// The texts of its messages.
    pub texts: Vec<String>,
    /// Its messages.
    pub messages: Vec<Message>,
    /// The retry key of a push.
    pub retry_key: Option<String>,
}

impl Sent {
    pub(super) fn new(to: &str, messages: Vec<Message>, retry_key: Option<String>) -> Self {
        let texts = messages.iter().map(|message| message.text.clone()).collect();
        Self { to: to.to_owned(), texts, messages, retry_key }
    }
}

/// The messages or the animation that a phone shows because the bot asked for it.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// Messages of the bot.
    Messages {
        /// The messages, each with its id and the id of the message that it quotes.
        messages: Vec<(String, Message, Option<String>)>,
        /// Whether they came by the reply token, which is free of charge.
        by_reply: bool,
    },
    /// The loading animation, until its time is over or a message comes.
    Loading {
        /// Its time in seconds.
        seconds: u64,
    },
}

type OnArrival = Box<dyn Fn(&str, Arrival) + Send + Sync>;

/// The LINE platform with one channel.
#[derive(Default)]
pub struct Line {
    /// Its planned faults, and the log of its requests.
    pub faults: FaultPlan,
    pub(super) memory: Mutex<Memory>,
    sent: watch::Sender<Vec<Sent>>,
    on_arrival: OnceLock<OnArrival>,
}

#[derive(Default)]
pub(super) struct Memory {
    /// The retry keys that were accepted.
    pub(super) keys: HashMap<String, Accepted>,
    /// The reply tokens that were sent in webhooks.
    pub(super) tokens: HashMap<String, Token>,
    /// The read tokens that were sent in webhooks.
    pub(super) read_tokens: HashSet<String>,
    /// The limit of messages a month; no limit if `None`.
    pub(super) quota: Option<usize>,
    pub(super) used: usize,
    /// The messages that a running broadcast has reserved and not used yet.
    pub(super) reserved: usize,
    pub(super) users: Vec<User>,
    pub(super) groups: HashMap<String, Group>,
    pub(super) contents: HashMap<String, Content>,
    /// The preparation of audio and videos that are sent.
    pub(super) prepares: Preparation,
    pub(super) hides_lengths: bool,
    /// Whether the operator turned on the chat in LINE Official Account Manager.
    pub(super) is_chat_on: bool,
    /// The chat and the id of each message that can be quoted, by its quote token.
    pub(super) quotable: HashMap<String, (String, String)>,
}

/// A person.
#[derive(Clone, Debug)]
pub struct User {
    /// Their LINE id.
    pub id: String,
    /// Their display name.
    pub name: String,
    /// Their language, as a BCP 47 tag.
    pub language: String,
    /// Whether they are the bot's friend; false once they blocked it.
    pub follows: bool,
}

/// The content of a message that is not in its JSON.
#[derive(Clone)]
pub(super) enum Content {
    /// The media type, the bytes, and the state of their preparation.
    Here(&'static str, Bytes, Preparation),
    /// The content of a message that was unsent.
    Unsent,
}

/// The state of the preparation of an audio or a video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preparation {
    /// The content can be fetched.
    #[default]
    Done,
    /// The content can be fetched after so many requests for it.
    After(u32),
    /// The content can never be fetched.
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

    /// Adds a member; returns false if they are a member already.
    pub(crate) fn adds(&mut self, user: &str) -> bool {
        let is_new = self.members.iter().all(|known| known != user);
        if is_new {
            self.members.push(user.to_owned());
        }
        is_new
    }
}

/// A reply token that was sent in a webhook.
pub(super) struct Token {
    pub(super) chat: String,
    pub(super) first: Instant,
    pub(super) last: Instant,
    pub(super) spent: bool,
}

/// The answer to the first request with a retry key.
#[derive(Clone)]
pub(super) struct Accepted {
    pub(super) request: String,
    pub(super) answer: Value,
    pub(super) at: Instant,
}

impl Line {
    /// Makes a platform that behaves.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Returns all pushes and replies that were accepted so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    /// Subscribes to all pushes and replies that are accepted.
    pub fn watch(&self) -> watch::Receiver<Vec<Sent>> {
        self.sent.subscribe()
    }

    /// Sets the function that is called with everything that arrives at a phone. Only the first call has an effect.
    pub fn shows(&self, show: impl Fn(&str, Arrival) + Send + Sync + 'static) {
        let _ = self.on_arrival.set(Box::new(show));
    }

    /// Turns the chat of LINE Official Account Manager on or off (LINE, "Get bot info", `chatMode`).
    pub fn set_chat(&self, is_on: bool) {
        lock(&self.memory).is_chat_on = is_on;
    }

    /// Sets the number of messages that are left this month.
    pub fn set_messages_left(&self, messages: usize) {
        let mut memory = lock(&self.memory);
        memory.quota = Some(memory.used + messages);
    }

    /// Sets the number of messages that are left this month, or no limit.
    pub fn set_month_quota(&self, left: Option<usize>) {
        let mut memory = lock(&self.memory);
        memory.quota = left.map(|left| memory.used + left);
    }

    /// Sets how many of the month's messages a broadcast has reserved; 0 when it has ended (LINE, "FAQ").
    pub fn set_reserved(&self, messages: usize) {
        lock(&self.memory).reserved = messages;
    }

    /// Plans this error for the next request to `path`.
    pub fn plan_error(&self, path: &str, status: u16, message: &str) {
        self.faults
            .plan_next(path, Fault::Respond(status, vec![], json!({ "message": message }).to_string()));
    }

    /// Accepts messages for a chat: stores, counts and shows them, and returns LINE's answer.
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

    /// Whether a message may be quoted in this chat: a message of another chat may not. An unknown token is allowed,
    /// because it may be from a webhook that another program posted.
    pub(super) fn can_quote(&self, chat: &str, token: &str) -> bool {
        lock(&self.memory).quotable.get(token).is_none_or(|(of, _)| of == chat)
    }

    /// Shows an arrival at a phone. Nothing arrives if the user blocked the bot, and LINE reports no error for that
    /// (LINE, "Send push message").
    pub(super) fn arrive(&self, chat: &str, arrival: Arrival) {
        if self.is_blocked_by(chat) {
            return;
        }
        if let Some(show) = self.on_arrival.get() {
            show(chat, arrival);
        }
    }

    /// Whether the user of this chat blocked the bot.
    pub fn is_blocked_by(&self, chat: &str) -> bool {
        lock(&self.memory).users.iter().any(|user| user.id == chat && !user.follows)
    }
}
