//! The people and their phones: joining, sending, editing and blocking, and the webhook events that LINE makes of
//! these (LINE, "Webhook Event Objects").

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

/// The source of an event: the chat, and the user who caused it.
#[derive(Clone, Debug)]
pub struct Source(Value);

impl Source {
    /// Makes the source of a group or room, by its id, or of a private chat. In a group the user may be missing,
    /// because LINE does not name every user.
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
    /// Makes the source of this user's private chat.
    fn from(user: &str) -> Self {
        Self(json!({ "type": "user", "userId": user }))
    }
}

/// Makes an event as LINE writes it, without the fields of its kind.
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

/// Makes a message event.
pub fn message_event(message: Value, source: impl Into<Source>, now: Timestamp) -> Value {
    let mut event = event("message", source, now);
    event["replyToken"] = reply_token().into();
    event["message"] = message;
    event
}

/// Makes the event of a tap on a button with a postback action (LINE, "Postback event").
pub fn postback_event(data: &str, source: impl Into<Source>, now: Timestamp) -> Value {
    let mut event = event("postback", source, now);
    event["replyToken"] = reply_token().into();
    event["postback"] = json!({ "data": data });
    event
}

/// Makes the event of an edit of a text in a group (LINE, "Message edited event").
pub fn edited_event(message: &str, words: Value, source: impl Into<Source>, now: Timestamp) -> Value {
    let mut event = message_event(words, source, now);
    event["type"] = "messageEdited".into();
    event["message"]["id"] = message.into();
    event
}

impl Line {
    /// Adds a person; returns false if they are known already.
    pub fn add_user(&self, user: User) -> bool {
        let users = &mut lock(&self.memory).users;
        let is_new = users.iter().all(|known| known.id != user.id);
        if is_new {
            users.push(user);
        }
        is_new
    }

    /// Whether a person of this id is known.
    pub fn knows(&self, user: &str) -> bool {
        lock(&self.memory).users.iter().any(|known| known.id == user)
    }

    /// Makes an image message of these bytes; `None` if they are not an image.
    pub fn image(&self, bytes: Bytes) -> Option<Value> {
        let kind = media_type(&bytes).filter(|kind| kind.starts_with("image/"))?;
        Some(said::image(&self.holds(kind, bytes)))
    }

    /// Deletes the content of a message that somebody unsends, and returns the `unsend` event.
    pub fn unsends(&self, source: impl Into<Source>, message: &str, now: Timestamp) -> Value {
        if let Some(content) = lock(&self.memory).contents.get_mut(message) {
            *content = Content::Unsent;
        }
        let mut event = event("unsend", source, now);
        event["unsend"] = json!({ "messageId": message });
        event
    }

    /// Notes that somebody blocks the bot, or is its friend again, and returns the `unfollow` or `follow` event.
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
