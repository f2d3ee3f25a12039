//! The message rows of the article's table. Pure.

use jiff::Timestamp;
use shared::job::MessageId;

use super::item::{Item, number, text};
use crate::rules::{
    conversation::{Message, Role},
    message_kind::MessageKind,
};

/// The attribute with LINE's id of the set that an image was sent in.
pub(super) const IMAGE_SET: &str = "imageSet";

/// A message row, as far as a prompt needs it.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) created_at: String,
    /// The time when the message, or the question that it answers, was said, in Unix milliseconds. Neither the
    /// article's bot nor an older worker wrote it.
    pub(super) said_at: Option<i64>,
    pub(super) message: Option<Message>,
    /// LINE's id of the message, if it is no text.
    pub(super) message_id: Option<MessageId>,
    /// LINE's id of the set that it was sent in, if it is an image of one.
    pub(super) image_set: Option<String>,
}

impl Row {
    /// Reads the row, unless it has expired. A row whose role is not part of a conversation has no message.
    pub(super) fn of_item(item: &Item, now: Timestamp) -> Option<Self> {
        if number::<i64>(item, "expiresAt").is_some_and(|at| at <= now.as_second()) {
            return None;
        }
        let message = || {
            let role = Role::of_row(text(item, "role")?)?;
            let content = text(item, "content")?;
            let kind = MessageKind::of_row(text(item, "kind"), content);
            let speaker = text(item, "speaker").map(ToOwned::to_owned);
            Some(Message { role, content: content.to_owned(), kind, speaker })
        };
        let (message, said_at) = (message(), number(item, "saidAt"));
        let is_media = message.as_ref().is_some_and(|message| message.kind != MessageKind::Text);
        let message_id = || text(item, "messageId")?.to_owned().try_into().ok();
        Some(Self {
            id: text(item, "id")?.to_owned(),
            created_at: text(item, "createdAt")?.to_owned(),
            said_at,
            message_id: is_media.then(message_id).flatten(),
            image_set: text(item, IMAGE_SET).map(ToOwned::to_owned),
            message,
        })
    }
}
