//! What a person at the page can do, as data: the page posts it, a saved conversation is a list of it, a
//! replay does it again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    faults::{ContentFault, LineFault, ModelFault},
    language,
};

/// One thing done. Messages are named by their place among all that were sent, so that a replay, whose
/// messages have other ids, means the same ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// Somebody is there.
    Join {
        /// Their LINE id.
        user: String,
        /// Their name.
        name: String,
        /// Their language, as a BCP 47 tag.
        #[serde(default = "language::japanese", deserialize_with = "language::tag")]
        language: String,
    },
    /// There is a group of people, or a room; the bot is not in it.
    Group {
        /// Its id, as LINE's.
        chat: String,
        /// Its name.
        name: String,
        /// Who is in it.
        members: Vec<String>,
    },
    /// Comes into a group.
    Enter {
        /// Who.
        user: String,
        /// Which.
        chat: String,
    },
    /// The bot is invited into a group.
    Invite {
        /// Which.
        chat: String,
    },
    /// The bot is removed from a group.
    Remove {
        /// Which.
        chat: String,
    },
    /// Writes a text.
    Say {
        /// Who.
        user: String,
        /// What.
        text: String,
        /// Into which group; to the bot alone if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
        /// What it quotes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        quotes: Option<Quoted>,
    },
    /// Sends a sticker.
    Sticker {
        /// Who.
        user: String,
        /// Which of those there are.
        sticker: usize,
        /// Into which group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Sends a picture.
    Picture {
        /// Who.
        user: String,
        /// Its bytes, in base64.
        base64: String,
        /// Into which group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Sends a sample voice.
    Voice {
        /// Who.
        user: String,
        /// What it says; nothing is silence.
        words: String,
        /// Into which group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Sends a file: a picture, a voice or a video as such, by its first bytes.
    File {
        /// Who.
        user: String,
        /// Its name.
        name: String,
        /// Its bytes, in base64.
        base64: String,
        /// How long it plays, if it does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ms: Option<u64>,
        /// Into which group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Says where they are.
    Location {
        /// Who.
        user: String,
        /// The place's name; it may have none.
        title: String,
        /// Its address, likewise.
        address: String,
        /// Where it is.
        latitude: f64,
        /// Where it is.
        longitude: f64,
        /// Into which group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<String>,
    },
    /// Edits a text that they wrote into a group.
    Edit {
        /// Which.
        message: usize,
        /// What it says now.
        text: String,
    },
    /// Takes a message back.
    Unsend {
        /// Which.
        message: usize,
    },
    /// Becomes the bot's friend again.
    Follow {
        /// Who.
        user: String,
    },
    /// Blocks the bot.
    Unfollow {
        /// Who.
        user: String,
    },
    /// LINE delivers a webhook once more.
    Redeliver {
        /// Which message's; the last one if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<usize>,
    },
    /// The model thinks this long from now on.
    Think {
        /// At most three minutes.
        ms: u64,
    },
    /// The model misbehaves.
    Model {
        /// How; it behaves if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<ModelFault>,
        /// For its next call only.
        #[serde(default)]
        once: bool,
    },
    /// LINE misbehaves.
    Line {
        /// How; it behaves if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<LineFault>,
        /// For the next message only.
        #[serde(default)]
        once: bool,
    },
    /// What becomes of the voices and videos that are sent: they can be had at once if not said.
    Contents {
        /// How LINE prepares them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fault: Option<ContentFault>,
    },
    /// So many pushes are left this month; no limit if not said.
    Quota {
        /// How many.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<usize>,
    },
    /// Kills the pipeline.
    Kill,
    /// Puts dead letters back into the queue.
    Redrive {
        /// Which; all if not said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        letter: Option<String>,
    },
}

impl Step {
    /// As the page is told of it: a picture's bytes are not repeated.
    pub(super) fn shown(&self) -> Value {
        let mut step = json!(self);
        if let Some(step) = step.as_object_mut() {
            step.remove("base64");
        }
        step
    }

    /// Whose doing it is.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Join { user, .. }
            | Self::Enter { user, .. }
            | Self::Say { user, .. }
            | Self::Sticker { user, .. }
            | Self::Picture { user, .. }
            | Self::Voice { user, .. }
            | Self::File { user, .. }
            | Self::Location { user, .. }
            | Self::Follow { user }
            | Self::Unfollow { user } => Some(user),
            _ => None,
        }
    }

    /// The group that it happens in.
    pub(super) fn group(&self) -> Option<&str> {
        match self {
            Self::Enter { chat, .. } | Self::Invite { chat } | Self::Remove { chat } => Some(chat),
            Self::Say { chat, .. }
            | Self::Sticker { chat, .. }
            | Self::Picture { chat, .. }
            | Self::Voice { chat, .. }
            | Self::File { chat, .. }
            | Self::Location { chat, .. } => chat.as_deref(),
            _ => None,
        }
    }
}

/// What a message quotes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quoted {
    /// What somebody sent, by its place among all of those.
    Message(usize),
    /// What the bot said, by its place among what it said in this chat.
    Answer(usize),
}
