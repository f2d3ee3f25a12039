//! What can become of a turn, as a closed set.

use std::time::Duration;

use jiff::Timestamp;
use shared::job::Job;

use crate::failure::Failure;

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
