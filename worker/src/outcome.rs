//! The outcome of an attempt, and the disposition of its job: both are closed sets.

use std::time::Duration;

use jiff::Timestamp;
use shared::{job::Job, log};

use crate::failure::Failure;

/// The outcome of an attempt. [`Outcome::disposition`] says what the queue's side does with the job.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is answered and delivered now.
    Answered,
    /// A later job answers it with its own.
    Merged,
    /// It was delivered before.
    AlreadyAnswered,
    /// Nothing more is owed: a notice was given, now or before, or its reply token is spent.
    Noticed,
    /// It shall not be answered: its message was taken back, or its conversation was forgotten.
    Forgotten,
    /// The attempt failed, and another one may succeed.
    Later {
        /// The pause before the next attempt.
        after: Duration,
        /// The failure, for the log.
        failure: Failure,
    },
    /// The history could not begin the attempt, so that nobody counts it.
    NotBegun {
        /// The least pause.
        after: Duration,
        /// The failure, for the log.
        failure: Failure,
    },
    /// The answer needs something that is not there yet. The attempt is not counted.
    NotReady {
        /// The pause.
        after: Duration,
    },
    /// It cannot be answered.
    Dead {
        /// The failure of the last attempt.
        failure: Failure,
        /// Attempts begun.
        attempts: u32,
    },
    /// The process is stopping. The attempt is not counted.
    GivenBack,
    /// Its last attempt left no outcome, as when the worker dies of it, and others are worked on beside it. The attempt
    /// is not counted.
    PoisonCandidate {
        /// Attempts begun, this one included.
        attempts: u32,
    },
}

/// The action of the queue's side with a job after an attempt. SQS and SQLite have one executor each.
#[derive(Clone, Copy, Debug)]
pub enum Disposition<'a> {
    /// Acknowledge it.
    Ack,
    /// Hand it back for this long. The attempt is not counted.
    HandBack {
        /// How long.
        after: Duration,
    },
    /// Hand it back for this long. The attempt is counted by its turn.
    Retry {
        /// How long.
        after: Duration,
        /// The failure, for the log.
        failure: &'a Failure,
    },
    /// Hand it back for at least this long. Nobody counts the attempt, so a queue that gives a job up by its receives
    /// pauses longer each time.
    NotBegun {
        /// How long at least.
        after: Duration,
        /// The failure, for the log.
        failure: &'a Failure,
    },
    /// Write its dead letter, then [`crate::turn::apology::apologise`], then acknowledge it.
    DeadLetter {
        /// The reason.
        failure: &'a Failure,
        /// Attempts begun.
        attempts: u32,
    },
    /// Attempt it again once no other job would be lost with the process.
    RunAlone {
        /// Attempts begun.
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
            // Metrics and dashboards count this word.
            Self::PoisonCandidate { .. } => "suspect",
        }
    }

    /// The action of the queue's side with the job.
    pub fn disposition(&self) -> Disposition<'_> {
        match self {
            Self::Answered | Self::Merged | Self::AlreadyAnswered | Self::Noticed | Self::Forgotten => {
                Disposition::Ack
            }
            Self::GivenBack => Disposition::HandBack { after: Duration::ZERO },
            Self::NotReady { after } => Disposition::HandBack { after: *after },
            Self::Later { after, failure } => Disposition::Retry { after: *after, failure },
            Self::NotBegun { after, failure } => Disposition::NotBegun { after: *after, failure },
            Self::Dead { failure, attempts } => Disposition::DeadLetter { failure, attempts: *attempts },
            Self::PoisonCandidate { attempts } => Disposition::RunAlone { attempts: *attempts },
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
        log!(
            info, Turn,
            event = %job.event_id,
            conversation = %job.conversation,
            outcome = self.as_str(),
            reason,
            queue_ms,
            turn_ms = (ended.as_millisecond() - began.as_millisecond()).max(0),
            run = job.run,
            "the attempt ended"
        );
    }
}
