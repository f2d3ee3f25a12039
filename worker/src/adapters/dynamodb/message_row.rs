//! The rows of the article's table: what was said. Pure.

use jiff::Timestamp;

use super::item::{Item, number, text};
use crate::rules::conversation::{Message, Role};

/// A message row, as far as a prompt needs it.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) created_at: String,
    pub(super) message: Option<Message>,
}

impl Row {
    /// The row, unless it has expired. Rows of roles that are no part of a conversation have no message.
    pub(super) fn of_item(item: &Item, now: Timestamp) -> Option<Self> {
        if number::<i64>(item, "expiresAt").is_some_and(|at| at <= now.as_second()) {
            return None;
        }
        let message = || {
            let role = Role::of_row(text(item, "role")?)?;
            let speaker = text(item, "speaker").map(ToOwned::to_owned);
            Some(Message { role, content: text(item, "content")?.to_owned(), speaker })
        };
        Some(Self {
            id: text(item, "id")?.to_owned(),
            created_at: text(item, "createdAt")?.to_owned(),
            message: message(),
        })
    }
}
