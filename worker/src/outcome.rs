//! The outcome of an attempt, and the disposition of its job: both are closed sets.

use std::time::Duration;

use jiff::Timestamp;
use shared::{event::log, job::Job};

use crate::failure::Failure;

/// The outcome of an attempt. [`Outcome::disposition`] says what the queue's side does with the job.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// This attempt delivered the answer, or erased the words of an unsend or an unfollow.
    Answered,
    /// A later job answers this job together with its own question.
    Merged,
    /// The answer was delivered before.
    AlreadyAnswered,
    /// Nothing more is to be sent: a notice was sent, now or before, or its reply token is used up.
    Noticed,
    /// The job must not be answered: its message was unsent, its conversation was forgotten, the bot left the group, or
    /// its chat was paused before anything of the stored answer arrived.
    Forgotten,
    /// The attempt failed, and another one may succeed.
    Later {
        /// The pause before the next attempt.
        after: Duration,
        /// The failure, for the log.
        failure: Failure,
    },
    /// The history could not begin the attempt, so the attempt is not counted.
    NotBegun {
        /// The shortest pause before the next attempt.
        after: Duration,
        /// The failure, for the log.
        failure: Failure,
    },
    /// The answer needs something that is not there yet. The attempt is not counted.
    NotReady {
        /// The pause before the next attempt.
        after: Duration,
    },
    /// The job cannot be answered.
    Dead {
        /// The failure of the last attempt.
        failure: Failure,
        /// The number of attempts begun.
        attempts: u32,
    },
    /// The process stops. The attempt is not counted.
    GivenBack,
    /// The last attempt at this job left no outcome, as when the job kills its worker, and other jobs run beside it.
    /// This attempt is not counted.
    PoisonCandidate {
        /// The number of attempts begun, including this one.
        attempts: u32,
    },
}

/// The order to the queue's side for a job after an attempt. SQS and SQLite have one executor each.
#[derive(Clone, Copy, Debug)]
pub enum Disposition<'a> {
    /// Acknowledge the job.
    Ack,
    /// Hand the job back for this time. The attempt is not counted.
    HandBack {
        /// The pause before the next attempt.
        after: Duration,
    },
    /// Hand the job back for this time. The turn counts the attempt.
    Retry {
        /// The pause before the next attempt.
        after: Duration,
        /// The failure, for the log.
        failure: &'a Failure,
    },
    /// Hand the job back for at least this time. The attempt is not counted anywhere, so a queue that gives up a job
    /// after a number of receives makes each pause longer.
    NotBegun {
        /// The shortest pause before the next attempt.
        after: Duration,
        /// The failure, for the log.
        failure: &'a Failure,
    },
    /// Write the dead letter, then call [`crate::turn::apology::apologise`], then acknowledge the job.
    DeadLetter {
        /// The failure of the last attempt.
        failure: &'a Failure,
        /// The number of attempts begun.
        attempts: u32,
    },
    /// Attempt the job again when no other job would be lost with the process.
    RunAlone {
        /// The number of attempts begun.
        attempts: u32,
    },
}

impl Outcome {
    /// Returns the word in logs and metrics.
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
            // Metrics and dashboards count the word "suspect".
            Self::PoisonCandidate { .. } => "suspect",
        }
    }

    /// Returns the disposition of the job.
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

    /// Adds the outcome, and the reason of a failure, to the turn's span.
    pub fn trace(&self) {
        shared::traces::annotate(|turn| {
            turn["annotations"]["outcome"] = self.as_str().into();
            if let Some(Failure { reason, .. }) = self.failure() {
                turn["annotations"]["reason"] = reason.as_str().into();
                turn["fault"] = true.into();
            }
        });
    }

    /// Logs the one line that every attempt leaves: the outcome, how long the attempt took, and how long the job had
    /// waited when the attempt began at `began`.
    pub fn log(&self, job: &Job, began: Timestamp, ended: Timestamp) {
        let reason = self.failure().map(|failure| failure.reason.as_str());
        // A redriven job waited for its operator and not for a worker, so its wait is not logged.
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
