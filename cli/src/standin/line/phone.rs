//! People and their phones: who there is, what they send, and the webhook event that LINE makes of it
//! (LINE, "Webhook Event Objects").

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Line,
    content::{Content, picture_type},
    lock,
};

/// The bot's own user id, which webhooks name as their destination.
pub const BOT: &str = "U00000000000000000000000000000000";

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

/// Stickers that a page can show without asking anyone: package, id, and the words LINE adds to it.
pub const STICKERS: [(&str, &str, &str); 6] = [
    ("446", "1988", "hello"),
    ("446", "1989", "love"),
    ("446", "1990", "laugh"),
    ("446", "1991", "cry"),
    ("446", "1992", "thanks"),
    ("446", "1993", "goodnight"),
];

/// An event of one user, as LINE writes it, without what its kind adds.
pub fn event(kind: &str, user: &str, now: Timestamp) -> Value {
    json!({
        "type": kind,
        "mode": "active",
        "timestamp": now.as_millisecond(),
        "webhookEventId": ulid(now.as_millisecond().cast_unsigned()),
        "deliveryContext": { "isRedelivery": false },
        "source": { "type": "user", "userId": user },
    })
}

/// A message event.
pub fn message_event(message: Value, user: &str, now: Timestamp) -> Value {
    let mut event = event("message", user, now);
    event["replyToken"] = format!("{:032x}", fastrand::u128(..)).into();
    event["message"] = message;
    event
}

/// A new message's id.
pub fn message_id() -> String {
    fastrand::u64(10u64.pow(17)..10u64.pow(18)).to_string()
}

/// A text message.
pub fn text(text: &str) -> Value {
    json!({ "type": "text", "id": message_id(), "text": text, "quoteToken": quote_token() })
}

/// One of [`STICKERS`].
pub fn sticker(index: usize) -> Option<Value> {
    let (package, sticker, keyword) = STICKERS.get(index)?;
    Some(json!({
        "type": "sticker", "id": message_id(), "quoteToken": quote_token(), "packageId": package,
        "stickerId": sticker, "stickerResourceType": "STATIC", "keywords": [keyword],
    }))
}

fn quote_token() -> String {
    format!("{:032x}{:032x}", fastrand::u128(..), fastrand::u128(..))
}

/// 48 bits of time and 80 of chance in Crockford's base 32 (github.com/ulid/spec).
fn ulid(millis: u64) -> String {
    let bits = (u128::from(millis) << 80) | (fastrand::u128(..) >> 48);
    let digit = |n: u32| char::from(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"[((bits >> (5 * n)) & 31) as usize]);
    (0..26).rev().map(digit).collect()
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
        let (kind, id) = (picture_type(&bytes)?, message_id());
        lock(&self.memory).contents.insert(id.clone(), Content::Here(kind, bytes));
        let provider = json!({ "type": "line" });
        Some(json!({ "type": "image", "id": id, "quoteToken": quote_token(), "contentProvider": provider }))
    }

    /// Somebody takes a message back: its content is gone. The event that says so.
    pub fn unsends(&self, user: &str, message: &str, now: Timestamp) -> Value {
        if let Some(content) = lock(&self.memory).contents.get_mut(message) {
            *content = Content::Unsent;
        }
        let mut event = event("unsend", user, now);
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
        event["replyToken"] = format!("{:032x}", fastrand::u128(..)).into();
        event["follow"] = json!({ "isUnblocked": true });
        event
    }

    /// Whether somebody blocked the bot.
    pub fn is_blocked_by(&self, chat: &str) -> bool {
        lock(&self.memory).users.iter().any(|user| user.id == chat && !user.follows)
    }
}
