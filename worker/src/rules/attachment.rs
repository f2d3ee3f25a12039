//! What a question is about beside its words, and what stands for it where only words are kept. Pure.

use shared::job::{Ask, Content, MessageId};

/// What stands for a picture where only words are: in the history, and beside it in the prompt.
pub(crate) const PICTURE: &str = "[image]";
/// What stands for a voice that was not turned into words.
const VOICE: &str = "[voice]";

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

    /// What these words stand for, which were kept of a message to be asked again.
    pub(crate) fn of_kept(words: &str, message_id: Option<&MessageId>) -> Option<Self> {
        match words {
            PICTURE => message_id.cloned().map(Self::Image),
            VOICE => message_id.cloned().map(Self::Voice),
            _ => None,
        }
    }
}

/// What is kept of a question that found no answer: its words, or what stands for them.
pub(crate) fn kept(ask: &Ask) -> Option<&str> {
    let Ask::Question { text, content, .. } = ask else { return None };
    Some(match content {
        None => text,
        Some(Content::Image) => PICTURE,
        Some(Content::Voice { .. }) => VOICE,
    })
}
