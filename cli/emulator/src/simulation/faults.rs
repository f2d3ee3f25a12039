//! The faults that the page offers, and their effect on the servers.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{faults::Fault, line::Preparation};

/// How often a content is looked for in vain.
const LOOKS: u32 = 2;

/// How LINE prepares voices and videos.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentFault {
    /// It takes a while.
    Slow,
    /// It fails.
    Fails,
}

/// How the model misbehaves.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelFault {
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
pub enum LineFault {
    /// 500.
    Broken,
    /// 429, a rate limit.
    Busy,
    /// Delivers, and the answer that says so is lost.
    Loses,
}

impl From<ContentFault> for Preparation {
    fn from(fault: ContentFault) -> Self {
        match fault {
            ContentFault::Slow => Self::After(LOOKS),
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
