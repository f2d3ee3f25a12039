//! People and their phones: who there is, what they send, and the webhook event that LINE makes of it
//! (LINE, "Webhook Event Objects").

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    ids::{reply_token, ulid},
    said,
    state::{Content, Line},
};
use crate::{lock::lock, media_type::media_type};

pub use super::{said::BOT, state::User};

/// Where an event happened, and whose doing it was.
#[derive(Clone, Debug)]
pub struct Source(Value);

impl Source {
    /// A group or room, by its id, or a private chat; LINE does not name everybody in a group.
    pub fn of(chat: &str, user: Option<&str>) -> Self {
        let mut source = match chat.as_bytes().first() {
            Some(b'C') => json!({ "type": "group", "groupId": chat }),
            Some(b'R') => json!({ "type": "room", "roomId": chat }),
            _ => return chat.into(),
        };
        if let Some(user) = user {
            source["userId"] = user.into();
        }
        Self(source)
    }
}

impl From<&str> for Source {
    /// The private chat of this user.
    fn from(user: &str) -> Self {
        Self(json!({ "type": "user", "userId": user }))
    }
}

/// An event as LINE writes it, without what its kind adds.
pub fn event(kind: &str, source: impl Into<Source>, now: Timestamp) -> Value {
    json!({
        "type": kind,
        "mode": "active",
        "timestamp": now.as_millisecond(),
        "webhookEventId": ulid(now.as_millisecond().cast_unsigned()),
        "deliveryContext": { "isRedelivery": false },
        "source": source.into().0,
    })
}

/// A message event.
pub fn message_event(message: Value, source: impl Into<Source>, now: Timestamp) -> Value {
    let mut event = event("message", source, now);
    event["replyToken"] = reply_token().into();
    event["message"] = message;
    event
}

/// Somebody edits a text that they sent into a group: the event that says so (LINE, "Message edited event").
pub fn edited_event(message: &str, words: Value, source: impl Into<Source>, now: Timestamp) -> Value {
    let mut event = message_event(words, source, now);
    event["type"] = "messageEdited".into();
    event["message"]["id"] = message.into();
    event
}

impl Line {
    /// Somebody is there from now on; false if they were before.
    pub fn joins(&self, user: User) -> bool {
        let users = &mut lock(&self.memory).users;
        let is_new = users.iter().all(|known| known.id != user.id);
        if is_new {
            users.push(user);
        }
        is_new
    }

    /// Whether there is such a person.
    pub fn knows(&self, user: &str) -> bool {
        lock(&self.memory).users.iter().any(|known| known.id == user)
    }

    /// A picture of these bytes; `None` if they are no picture.
    pub fn image(&self, bytes: Bytes) -> Option<Value> {
        let kind = media_type(&bytes).filter(|kind| kind.starts_with("image/"))?;
        Some(said::image(&self.holds(kind, bytes)))
    }

    /// Somebody takes a message back: its content is gone. The event that says so.
    pub fn unsends(&self, source: impl Into<Source>, message: &str, now: Timestamp) -> Value {
        if let Some(content) = lock(&self.memory).contents.get_mut(message) {
            *content = Content::Unsent;
        }
        let mut event = event("unsend", source, now);
        event["unsend"] = json!({ "messageId": message });
        event
    }

    /// Somebody blocks the bot, or is its friend again. The event that says so.
    pub fn follows(&self, user: &str, follows: bool, now: Timestamp) -> Value {
        if let Some(user) = lock(&self.memory).users.iter_mut().find(|known| known.id == user) {
            user.follows = follows;
        }
        if !follows {
            return event("unfollow", user, now);
        }
        let mut event = event("follow", user, now);
        event["replyToken"] = reply_token().into();
        event["follow"] = json!({ "isUnblocked": true });
        event
    }
}
