//! The actions of a person at the page, as data. The page posts a step, a saved conversation is a list of steps, and a
//! replay repeats them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    faults::{ContentFault, LineFault, ModelFault},
    language,
};

/// One action. A message is named by its place among all that people sent, so that a replay, whose messages have
/// other ids, refers to the same ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Adds a person.
    Join {
        /// Their LINE id.
        user: String,
        /// Their name.
        name: String,
        /// Their language, as a BCP 47 tag.
        #[serde(default = "language::japanese", deserialize_with = "language::tag")]
        language: String,
    },
    /// Makes a group of people, or a room; the bot is not in it.
    Group {
        /// Its id, in LINE's form.
        chat: String,
        /// Its name.
        name: String,
        /// The ids of its members.
        members: Vec<String>,
    },
    /// Adds a person to a group.
    Enter {
        /// The id of the person.
        user: String,
        /// The id of the group.
        chat: String,
    },
    /// Invites the bot into a group.
    Invite {
        /// The id of the group.
        chat: String,
    },
    /// Removes the bot from a group.
    Remove {
        /// The id of the group.
        chat: String,
    },
    /// Sends a text.
    Say {
        /// The id of the person.
        user: String,
        /// The text.
        text: String,
        /// The group to send it to; the private chat with the bot if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
        /// The message that it quotes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quotes: Option<Quoted>,
    },
    /// Taps a button with a postback action.
    Tap {
        /// The id of the person.
        user: String,
        /// The button's data.
        data: String,
        /// The text that the chat shows as the person's; may be empty.
        text: String,
        /// The group of the button; the private chat with the bot if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Sends a sticker.
    Sticker {
        /// The id of the person.
        user: String,
        /// The index of the sticker in the emulator's list.
        sticker: usize,
        /// The group to send it to; the private chat with the bot if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Sends an image.
    Picture {
        /// The id of the person.
        user: String,
        /// Its bytes, in base64.
        base64: String,
        /// The group to send it to; the private chat with the bot if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Sends several images at once.
    Pictures {
        /// The id of the person.
        user: String,
        /// The bytes of each, in base64.
        base64: Vec<String>,
        /// The group to send them to; the private chat with the bot if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
        /// Whether LINE delivers all of them in one webhook; else each has its own.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        one_webhook: bool,
    },
    /// Sends a sample voice.
    Voice {
        /// The id of the person.
        user: String,
        /// The words of the voice; empty for silence.
        words: String,
        /// The group to send it to; the private chat with the bot if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Sends a file. Its first bytes decide whether it is sent as an image, an audio, a video or a plain file.
    File {
        /// The id of the person.
        user: String,
        /// Its name.
        name: String,
        /// Its bytes, in base64.
        base64: String,
        /// Its duration in milliseconds, if it is audio or video.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
        /// The group to send it to; the private chat with the bot if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Sends a location.
    Location {
        /// The id of the person.
        user: String,
        /// The name of the place; may be empty.
        title: String,
        /// The address of the place; may be empty.
        address: String,
        /// The latitude in degrees.
        latitude: f64,
        /// The longitude in degrees.
        longitude: f64,
        /// The group to send it to; the private chat with the bot if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Edits a text in a group.
    Edit {
        /// The place of the message among all that people sent.
        message: usize,
        /// The new text.
        text: String,
    },
    /// Unsends a message.
    Unsend {
        /// The place of the message among all that people sent.
        message: usize,
    },
    /// Unblocks the bot: the person is its friend again.
    Follow {
        /// The id of the person.
        user: String,
    },
    /// Blocks the bot.
    Unfollow {
        /// The id of the person.
        user: String,
    },
    /// Lets LINE deliver a webhook once more.
    Redeliver {
        /// The place of its message among all that people sent; the last delivered one if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<usize>,
    },
    /// Sets the time that the model thinks from now on.
    Think {
        /// The time in milliseconds; at most three minutes.
        ms: u64,
    },
    /// Makes the model misbehave.
    Model {
        /// The fault; it behaves if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<ModelFault>,
        /// Whether the fault is for its next call only.
        #[serde(default)]
        once: bool,
    },
    /// Makes LINE misbehave.
    Line {
        /// The fault; it behaves if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<LineFault>,
        /// Whether the fault is for the next push only.
        #[serde(default)]
        once: bool,
    },
    /// Sets how LINE prepares audio and videos that are sent.
    Contents {
        /// The fault of the preparation; if missing, contents can be fetched at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<ContentFault>,
    },
    /// Sets the number of pushes that are left this month.
    Quota {
        /// The number of pushes; no limit if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<usize>,
    },
    /// Kills the pipeline.
    Kill,
    /// Puts dead letters back into the queue.
    Redrive {
        /// The id of the letter; all letters if missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        letter: Option<String>,
    },
}

impl Step {
    /// Returns the step as the feed shows it, without the bytes of a file.
    pub(super) fn shown(&self) -> Value {
        let mut step = json!(self);
        if let Some(step) = step.as_object_mut() {
            step.remove("base64");
        }
        step
    }

    /// Returns the id of the person who does it, if the step names one.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Join { user, .. }
            | Self::Enter { user, .. }
            | Self::Say { user, .. }
            | Self::Tap { user, .. }
            | Self::Sticker { user, .. }
            | Self::Picture { user, .. }
            | Self::Pictures { user, .. }
            | Self::Voice { user, .. }
            | Self::File { user, .. }
            | Self::Location { user, .. }
            | Self::Follow { user }
            | Self::Unfollow { user } => Some(user),
            _ => None,
        }
    }

    /// Returns the id of the group that it happens in, if any.
    pub(super) fn group(&self) -> Option<&str> {
        match self {
            Self::Enter { chat, .. } | Self::Invite { chat } | Self::Remove { chat } => Some(chat),
            Self::Say { chat, .. }
            | Self::Tap { chat, .. }
            | Self::Sticker { chat, .. }
            | Self::Picture { chat, .. }
            | Self::Pictures { chat, .. }
            | Self::Voice { chat, .. }
            | Self::File { chat, .. }
            | Self::Location { chat, .. } => chat.as_deref(),
            _ => None,
        }
    }
}

/// A reference to a quoted message.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quoted {
    /// A message of a person, by its place among all that people sent.
    Message(usize),
    /// A message of the bot, by its place among the bot's messages in this chat.
    Answer(usize),
}
