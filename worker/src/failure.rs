//! Why an attempt failed, and whether another one can mend it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Why a turn failed: the `Reason` of a dead letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The model did not answer, or not with an answer.
    ModelUnavailable,
    /// The model will not answer this.
    ModelRefused,
    /// There is no such model (any more).
    ModelGone,
    /// The model's key is refused.
    ModelAuth,
    /// The model's account has nothing left to spend.
    ModelQuota,
    /// LINE did not take the message, and certainly did not deliver it.
    LineRejected,
    /// LINE's access token is refused.
    LineAuth,
    /// The channel's messages of this month are used up.
    LineQuota,
    /// Nobody knows whether LINE delivered it.
    DeliveryUnknown,
    /// The history could not be read or written.
    StorageFailed,
    /// The queue held something that is not a job.
    JobUnreadable,
    /// The worker died in each attempt.
    WorkerDied,
    /// SQS itself gave the job up, and no worker wrote down why.
    NotRecorded,
    /// A fault of Henji's own.
    Internal,
}

impl Reason {
    /// The word in letters, logs and metrics.
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
            Self::Internal => "internal",
        }
    }
}

/// Whether another attempt can mend a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Another attempt may do, after this long if the other side said so.
    Retry(Option<Duration>),
    /// Nothing failed, but what it needs is not there yet: it is to be looked at again after this long,
    /// and this attempt does not count.
    Wait(Duration),
    /// No retry mends it.
    Never,
}

/// A failed attempt.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What failed.
    pub reason: Reason,
    /// One line for operators: statuses, codes and request ids; never a secret or what people wrote.
    pub detail: String,
    /// Whether to try again.
    pub retry: RetryPolicy,
}

impl Failure {
    /// One that another attempt may mend.
    pub fn passing(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry: RetryPolicy::Retry(None) }
    }

    /// One that no retry mends.
    pub fn lasting(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), retry: RetryPolicy::Never }
    }
}
