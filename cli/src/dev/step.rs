//! What a person at the page can do, as data: the page posts it, a saved conversation is a list of it, a
//! replay does it again.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::standin::Act;

/// The language of people of whom a saved conversation says nothing else.
pub(super) fn japanese() -> String {
    "ja".to_owned()
}

/// One thing done. Messages are named by their place among all that were sent, so that a replay, whose
/// messages have other ids, means the same ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    /// Somebody is there.
    Join {
        /// Their LINE id.
        user: String,
        /// Their name.
        name: String,
        /// Their language, as a BCP 47 tag.
        #[serde(default = "japanese")]
        language: String,
    },
    /// Writes a text.
    Say {
        /// Who.
        user: String,
        /// What.
        text: String,
    },
    /// Sends a sticker.
    Sticker {
        /// Who.
        user: String,
        /// Which of those there are.
        sticker: usize,
    },
    /// Sends a picture.
    Picture {
        /// Who.
        user: String,
        /// Its bytes, in base64.
        base64: String,
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
            | Self::Say { user, .. }
            | Self::Sticker { user, .. }
            | Self::Picture { user, .. }
            | Self::Follow { user }
            | Self::Unfollow { user } => Some(user),
            _ => None,
        }
    }
}

/// How the model misbehaves.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ModelFault {
    /// 429.
    Busy,
    /// 500.
    Broken,
    /// Never answers.
    Hangs,
    /// Will not answer this.
    Refuses,
    /// The prompt is longer than the context.
    Overflow,
}

/// How LINE misbehaves.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LineFault {
    /// 500.
    Broken,
    /// 429, a rate limit.
    Busy,
    /// Delivers, and the answer that says so is lost.
    Loses,
}

impl From<ModelFault> for Act {
    fn from(fault: ModelFault) -> Self {
        let (status, code) = match fault {
            ModelFault::Hangs => return Self::Hang,
            ModelFault::Busy => (429, "rate_limit_exceeded"),
            ModelFault::Broken => (500, "server_error"),
            ModelFault::Refuses => (400, "content_policy_violation"),
            ModelFault::Overflow => (400, "context_length_exceeded"),
        };
        let error =
            json!({ "message": "on purpose", "type": "invalid_request_error", "param": null, "code": code });
        Self::Respond(
            status,
            vec![("x-request-id", "req_standin".to_owned())],
            json!({ "error": error }).to_string(),
        )
    }
}

impl From<LineFault> for Act {
    fn from(fault: LineFault) -> Self {
        let (status, message) = match fault {
            LineFault::Loses => return Self::Lose,
            LineFault::Broken => (500, "Internal server error"),
            LineFault::Busy => (429, "The API rate limit has been exceeded. Try again later."),
        };
        Self::Respond(status, vec![], json!({ "message": message }).to_string())
    }
}
