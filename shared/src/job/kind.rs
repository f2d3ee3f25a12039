//! The thing that a job asks for, as JSON.

use serde::{Deserialize, Serialize};

use super::id::MessageId;
use crate::command::Command;

/// The thing that a job asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum JobKind {
    /// A question for the model.
    Question {
        /// The person's words; empty if `content` must be fetched.
        text: String,
        /// LINE's id of the message, by which it may be unsent later.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        message_id: Option<MessageId>,
        /// The token with which an answer can quote the message.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        quote_token: Option<String>,
        /// The message that it quotes.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        quotes: Option<MessageId>,
        /// The content that LINE keeps of the message. It is fetched by `message_id`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        content: Option<Content>,
        /// True if the message calls the bot only by its quote (in a group). It is then answered only if the quoted
        /// message is the bot's.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        only_if_quoting_bot: bool,
        /// True if the person tapped a button instead of writing, so that `text` is the button's data.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        by_button: bool,
    },
    /// A message of a kind that the bot does not understand. It gets one polite notice, by the free reply token.
    NotUnderstood,
    /// The person added the bot, or unblocked it.
    Follow {
        /// True if the person unblocked it, and false for a new friend.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        is_unblocked: bool,
    },
    /// The bot was added to a group or room.
    Join,
    /// The person blocked the bot, or the bot left the group: the conversation is deleted.
    Unfollow,
    /// The person unsent this message: the message and its answer are forgotten.
    Unsend {
        /// The id of the message.
        message_id: MessageId,
    },
    /// The person edited this message of a group. If there is no answer yet, the bot answers the new text.
    Edited {
        /// The id of the message.
        message_id: MessageId,
        /// Its new words, without the mention or the prefix; empty if it no longer calls the bot.
        text: String,
        /// The message that it quotes, if only its quote calls the bot. If the quoted message is not the bot's own,
        /// nothing is said to the bot.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        quotes: Option<MessageId>,
    },
}

impl JobKind {
    /// Makes a question in plain text.
    pub fn question(text: impl Into<String>, message_id: Option<MessageId>) -> Self {
        let text = text.into();
        Self::Question {
            text,
            message_id,
            quote_token: None,
            quotes: None,
            content: None,
            only_if_quoting_bot: false,
            by_button: false,
        }
    }

    /// Makes the question of a tap on a button with this data.
    pub fn tap(data: String) -> Self {
        let mut question = Self::question(data, None);
        if let Self::Question { by_button, .. } = &mut question {
            *by_button = true;
        }
        question
    }

    /// Whether the person tapped a button, so that the text is data and not the person's words.
    pub fn is_tap(&self) -> bool {
        matches!(self, Self::Question { by_button: true, .. })
    }

    /// Returns the command in these words of a question, which may be newer than its own. Only a button has data, and
    /// only a person has words.
    pub fn command(&self, words: &str) -> Option<Command> {
        if self.is_tap() { Command::of_data(words) } else { Command::said(words) }
    }

    /// Whether it is a command to forget.
    pub fn is_forget(&self) -> bool {
        match self {
            Self::Question { text, by_button: true, .. } => Command::of_data(text) == Some(Command::Forget),
            Self::Question { text, content: None, .. } => Command::is_forget(text),
            _ => false,
        }
    }
}

/// The content that LINE keeps of a message that is not text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Content {
    /// An image.
    Image {
        /// The set of images that the person sent with it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        set: Option<ImageSet>,
    },
    /// An audio message.
    Voice {
        /// The length in milliseconds, if LINE gives it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        duration_ms: Option<u64>,
    },
    /// A file.
    File {
        /// Its name, which the person's device gave.
        name: String,
        /// Its size in bytes, if LINE gives it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        size_bytes: Option<u64>,
    },
    /// A video.
    Video,
}

impl Content {
    /// An image that was sent alone.
    pub const IMAGE: Self = Self::Image { set: None };
}

/// The place of an image in a set of images that were sent together (LINE, "Image", `imageSet`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSet {
    /// LINE's id of the set.
    pub id: String,
    /// The place in the set, counted from one. LINE does not always give it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub index: Option<u32>,
    /// The number of images in the set. LINE does not always give it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub total: Option<u32>,
}
