//! What a question is about beside its words, and what is kept of it. Pure.

use shared::job::{Ask, Content, MessageId};

use super::message_kind::MessageKind;

/// What a question is about beside its words, and where that is.
#[derive(Clone)]
pub(crate) enum Attachment {
    /// It is this picture.
    Image(MessageId),
    /// It is this voice.
    Voice(MessageId),
    /// It is a text that quotes this message, which may be a picture.
    Quoted(MessageId),
}

impl Attachment {
    /// What a job asks about.
    pub(crate) fn of(ask: &Ask) -> Option<Self> {
        let Ask::Question { message_id, quotes, content, .. } = ask else { return None };
        match content {
            None => quotes.clone().map(Self::Quoted),
            Some(Content::Image) => message_id.clone().map(Self::Image),
            Some(Content::Voice { .. }) => message_id.clone().map(Self::Voice),
        }
    }

    /// The attachment of a message of this kind that is asked again.
    pub(crate) fn of_kind(kind: MessageKind, message_id: Option<&MessageId>) -> Option<Self> {
        match kind {
            MessageKind::Text => None,
            MessageKind::Image => message_id.cloned().map(Self::Image),
            MessageKind::Audio => message_id.cloned().map(Self::Voice),
        }
    }

    /// The kind of a message with this attachment.
    pub(crate) fn kind(attached: Option<&Self>) -> MessageKind {
        match attached {
            Some(Self::Image(_)) => MessageKind::Image,
            Some(Self::Voice(_)) => MessageKind::Audio,
            Some(Self::Quoted(_)) | None => MessageKind::Text,
        }
    }
}

/// What is kept of a question that found no answer: its words, or a placeholder for them.
pub(crate) fn kept(ask: &Ask) -> Option<&str> {
    let Ask::Question { text, .. } = ask else { return None };
    Some(MessageKind::of(ask).placeholder().unwrap_or(text))
}
