//! The reason why an attempt failed, and whether another attempt can help.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The reason why a turn failed: the `Reason` of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The model did not respond, or its response was not an answer.
    ModelUnavailable,
    /// The model refuses to answer this question.
    ModelRefused,
    /// The model does not exist (any more).
    ModelGone,
    /// The model's server refuses the key.
    ModelAuth,
    /// The account at the model's server has nothing left to spend.
    ModelQuota,
    /// LINE did not take the message, and certainly did not deliver it.
    LineRejected,
    /// LINE refuses the access token.
    LineAuth,
    /// The channel's messages of this month are used up.
    LineQuota,
    /// It is unknown whether LINE delivered the answer.
    DeliveryUnknown,
    /// The history could not be read or written.
    StorageFailed,
    /// The queue held something that is not a job.
    JobUnreadable,
    /// The worker crashed in each attempt.
    WorkerDied,
    /// SQS itself gave up the job, and no worker recorded a reason.
    NotRecorded,
    /// A person of the staff talks with the user of a redriven job.
    Paused,
    /// The fault is in Henji itself.
    Internal,
}

impl Reason {
    /// Returns the word in dead letters, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ModelUnavailable => "model_unavailable",
            Self::ModelRefused => "model_refused",
            Self::ModelGone => "model_gone",
            Self::ModelAuth => "model_auth",
            Self::ModelQuota => "model_quota",
            Self::LineRejected => "line_rejected",
            Self::LineAuth => "line_auth",
            Self::LineQuota => "line_quota",
            Self::DeliveryUnknown => "delivery_unknown",
            Self::StorageFailed => "storage_failed",
            Self::JobUnreadable => "job_unreadable",
            Self::WorkerDied => "worker_died",
            Self::NotRecorded => "not_recorded",
            Self::Paused => "paused",
            Self::Internal => "internal",
        }
    }
}

/// The policy that says whether another attempt can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Another attempt may succeed, after this time if the other side asked for a pause.
    Retry(Option<Duration>),
    /// Nothing failed, but the answer needs something that is not there yet. The job is tried again after this time,
    /// and this attempt does not count.
    Wait(Duration),
    /// No retry can help.
    Never,
}

/// The failure of an attempt.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The reason, which names the part that failed.
    pub reason: Reason,
    /// One line for operators: statuses, codes and request ids; never a secret or the words of people.
    pub detail: String,
    /// The retry policy.
    pub retry: RetryPolicy,
}

impl Failure {
    /// Returns a failure after which another attempt may succeed.
    pub fn retryable(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry: RetryPolicy::Retry(None) }
    }

    /// Returns a failure for which no retry can help.
    pub fn permanent(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry: RetryPolicy::Never }
    }
}
