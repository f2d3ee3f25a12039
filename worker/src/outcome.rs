//! What can become of a turn, as closed sets.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::job::Job;

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
    pub remedy: RetryPolicy,
}

impl Failure {
    /// One that another attempt may mend.
    pub fn passing(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), remedy: RetryPolicy::Retry(None) }
    }

    /// One that no retry mends.
    pub fn lasting(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), remedy: RetryPolicy::Never }
    }
}

/// What the queue's side does with a job after an attempt.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Answered and delivered now: acknowledge.
    Answered,
    /// A later job answers it with its own: acknowledge.
    Merged,
    /// It was delivered before: acknowledge.
    AlreadyAnswered,
    /// Nothing more is owed: a notice was given, or before, or its reply token is spent. Acknowledge.
    Noticed,
    /// It shall not be answered, as its message was taken back or its conversation forgotten.
    /// Acknowledge.
    Forgotten,
    /// Hand it back, to be tried again after this long.
    Later {
        /// How long to wait.
        after: Duration,
        /// Why, for the log.
        failure: Failure,
    },
    /// The history could not begin the attempt, so that nobody counts it: hand it back for at least this long,
    /// and where the queue counts receives and gives up by them, for longer each time.
    NotBegun {
        /// How long to wait at least.
        after: Duration,
        /// Why, for the log.
        failure: Failure,
    },
    /// What it needs is not there yet: hand it back for this long. The attempt is not counted.
    NotReady {
        /// How long to wait.
        after: Duration,
    },
    /// Dead-letter it, then [`crate::turn::Worker::apologise`], then acknowledge.
    Dead {
        /// Why.
        failure: Failure,
        /// Attempts begun.
        attempts: u32,
    },
    /// The process is stopping: hand it back at once. The attempt is not counted.
    GivenBack,
    /// Its last attempt left no outcome, as when the worker dies of it, and others are worked on beside
    /// it: attempt it when they have ended. This time is not counted.
    Suspect {
        /// Attempts begun, this one included.
        attempts: u32,
    },
}

impl Outcome {
    /// The word in logs and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Merged => "merged",
            Self::AlreadyAnswered => "already_answered",
            Self::Noticed => "noticed",
            Self::Forgotten => "forgotten",
            Self::Later { .. } | Self::NotBegun { .. } => "later",
            Self::NotReady { .. } => "not_ready",
            Self::Dead { .. } => "dead",
            Self::GivenBack => "given_back",
            Self::Suspect { .. } => "suspect",
        }
    }

    fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Later { failure, .. } | Self::NotBegun { failure, .. } | Self::Dead { failure, .. } => {
                Some(failure)
            }
            _ => None,
        }
    }

    /// Marks the turn's span with what came of it.
    pub fn trace(&self) {
        shared::traces::tell(|turn| {
            turn["annotations"]["outcome"] = self.as_str().into();
            if let Some(Failure { reason, .. }) = self.failure() {
                turn["annotations"]["reason"] = reason.as_str().into();
                turn["fault"] = true.into();
            }
        });
    }

    /// The one line of a turn that every attempt leaves: what came of it, how long the attempt took, and
    /// how long the job had waited when it began at `began`.
    pub fn log(&self, job: &Job, began: Timestamp, ended: Timestamp) {
        let reason = self.failure().map(|failure| failure.reason.as_str());
        // A redrive waited for its operator, not for a worker.
        let accepted_at = job.accepted_at.filter(|_| job.run.is_none());
        let queue_ms = accepted_at.map(|at| (began.as_millisecond() - at).max(0));
        tracing::info!(
            event = %job.event_id,
            conversation = %job.conversation,
            outcome = self.as_str(),
            reason,
            queue_ms,
            turn_ms = (ended.as_millisecond() - began.as_millisecond()).max(0),
            run = job.run,
            "turn"
        );
    }
}
