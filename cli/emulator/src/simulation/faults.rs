//! The faults that the page offers, and their effect on the servers.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{faults::Fault, line::Preparation};

/// The number of requests for a content before it is prepared.
const REQUESTS_UNTIL_PREPARED: u32 = 2;

/// The faults of LINE's preparation of audio and videos.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentFault {
    /// The preparation takes a while.
    Slow,
    /// The preparation fails.
    Fails,
}

/// The faults of the model.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFault {
    /// Answers 429.
    Busy,
    /// Answers 500.
    Broken,
    /// Never answers.
    Hangs,
    /// Refuses the question by its content policy (400).
    Refuses,
    /// Answers that the prompt is longer than the context (400).
    Overflow,
}

/// The faults of LINE.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineFault {
    /// Answers 500.
    Broken,
    /// Answers 429, a rate limit.
    Busy,
    /// Delivers the message, but its response is lost.
    Loses,
}

impl From<ContentFault> for Preparation {
    fn from(fault: ContentFault) -> Self {
        match fault {
            ContentFault::Slow => Self::After(REQUESTS_UNTIL_PREPARED),
            ContentFault::Fails => Self::Failed,
        }
    }
}

impl From<ModelFault> for Fault {
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

impl From<LineFault> for Fault {
    fn from(fault: LineFault) -> Self {
        let (status, message) = match fault {
            LineFault::Loses => return Self::Lose,
            LineFault::Broken => (500, "Internal server error"),
            LineFault::Busy => (429, "The API rate limit has been exceeded. Try again later."),
        };
        Self::Respond(status, vec![], json!({ "message": message }).to_string())
    }
}
