//! The thing that a job asks for, as JSON.

use serde::{Deserialize, Serialize};

use super::id::MessageId;

/// The thing that a job asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Ask {
    /// Something for the model.
    Question {
        /// The person's words; empty where `content` is to be fetched.
        text: String,
        /// LINE's id of the message, by which it may be unsent later.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        message_id: Option<MessageId>,
        /// With it an answer can quote the message.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        quote_token: Option<String>,
        /// The message that it quotes.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        quotes: Option<MessageId>,
        /// The content that LINE keeps of the message, to be fetched by `message_id`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        content: Option<Content>,
        /// In a group, nothing calls the bot but what it quotes: it is answered only if that is a message
        /// of the bot's own.
        #[serde(skip_serializing_if = "std::ops::Not::not", default)]
        only_if_quoting_bot: bool,
    },
    /// A message of a kind that is not understood: one polite notice by the free reply token.
    NotUnderstood,
    /// The person added the bot, or unblocked it.
    Follow,
    /// The bot came into a group or room.
    Join,
    /// The person blocked the bot, or it left the group: the conversation is deleted.
    Unfollow,
    /// The person took this message back: it and its answer are forgotten.
    Unsend {
        /// The message.
        message_id: MessageId,
    },
    /// The person changed this message of a group: an answer that is not made yet is made to the new text.
    Edited {
        /// The message.
        message_id: MessageId,
        /// Its words by now, as they would be asked; empty if it calls the bot no longer.
        text: String,
        /// Where nothing calls the bot but what it quotes: that message. Is it not the bot's own, nothing is
        /// said to the bot.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        quotes: Option<MessageId>,
    },
}

impl Ask {
    /// A question in plain text.
    pub fn question(text: impl Into<String>, message_id: Option<MessageId>) -> Self {
        let text = text.into();
        Self::Question {
            text,
            message_id,
            quote_token: None,
            quotes: None,
            content: None,
            only_if_quoting_bot: false,
        }
    }
}

/// The content that LINE keeps of a message that is more than text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Content {
    /// A picture.
    Image,
    /// Something spoken.
    Voice {
        /// How long it is, where LINE says so.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        duration_ms: Option<u64>,
    },
}
