//! The results of the port's methods, and the steps that an attempt records.

use jiff::Timestamp;

use crate::{
    failure::Reason,
    rules::stage::{Delivery, LastAttempt, RunCost, Stage},
};

/// The turn of an event, read consistently by [`super::History::begin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Attempts begun in this run, this one included.
    pub attempts: u32,
    /// The fencing token of this attempt: see [`crate::rules::turn::TurnState::begun`].
    pub begun: u32,
    /// The end of the attempt before this one, in this run.
    pub last: LastAttempt,
    /// When LINE refused a push of this run first for the month's limit, though that is not reached.
    pub quota_since: Option<Timestamp>,
    /// The cost of this run so far.
    pub cost: RunCost,
    /// The stage that it reached.
    pub stage: Stage,
}

/// The result of [`super::History::store`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreResult {
    /// This answer is stored, its first push untried; from now on a crash leaves that unknown.
    Stored(Delivery),
    /// Another attempt stored one before: this is how far that one got.
    Existing(Stage),
    /// The turn has no answer, but one of those that this would answer with it is not open any more.
    /// Nothing is stored.
    Overtaken,
    /// Its message was changed since it was loaded, another that it answers was taken back, or what was said before
    /// it was forgotten. Nothing is stored: it is drafted anew.
    Changed,
    /// What it answers was taken back, or is forgotten with its conversation. Nothing is stored, and nothing shall be
    /// pushed.
    Forgotten,
}

/// A step of a turn that is written down.
#[derive(Clone, Debug)]
pub enum Step {
    /// A push that was refused is tried again from now on: its outcome is unknown until it is known. An
    /// error, and nothing is written, where the answer is not stored any more.
    Pushing {
        /// The attempt that tries it, by [`Turn::begun`]. An error, and nothing is written, where another one has begun since.
        by: Option<u32>,
        /// Pushes certainly accepted.
        pushed: u32,
    },
    /// LINE certainly did not take the free reply: from now on it is pushed. An error, and nothing is
    /// written, where another attempt has begun since this one, or the answer is not stored any more.
    NotReplied {
        /// The attempt that says so.
        by: Option<u32>,
    },
    /// LINE refused a push for the month's limit, though that is not reached. The first time in a run stays.
    QuotaRefused,
    /// Every push was accepted. The bodies are forgotten.
    Delivered,
    /// It shall never be answered nor pushed: see [`Stage::Forgotten`]. A turn in doubt stays so.
    Forgotten,
    /// The attempt failed. An error, and nothing is written, where another one has begun since this one.
    Failed {
        /// The attempt; `None` where it panicked.
        by: Option<u32>,
        /// With what.
        reason: Reason,
        /// The knowledge about the pushes, if the answer was stored.
        delivery: Option<Delivery>,
        /// Whether it was the run's last.
        gave_up: bool,
        /// The run's cost with this attempt; `None` keeps the recorded one.
        cost: Option<RunCost>,
    },
    /// The attempt was given back and does not count.
    Withdrawn {
        /// The run's cost all the same; `None` keeps the recorded one.
        cost: Option<RunCost>,
    },
}
