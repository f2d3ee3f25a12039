//! The results of the port's methods, and the steps that an attempt records.

use jiff::Timestamp;
use shared::job::MessageId;

use crate::{
    failure::Reason,
    rules::stage::{Delivery, LastAttempt, RunCost, Stage},
};

/// The turn of an event, read consistently by [`super::History::begin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The number of attempts begun in this run, including this one.
    pub attempts: u32,
    /// The fencing token of this attempt: see [`crate::rules::turn::TurnState::begun`].
    pub begun: u32,
    /// The end of the attempt before this one, in this run.
    pub last: LastAttempt,
    /// The time when LINE first refused a push of this run because of the month's limit, although that is not reached.
    pub quota_since: Option<Timestamp>,
    /// The cost of this run so far.
    pub cost: RunCost,
    /// The stage that the turn reached.
    pub stage: Stage,
}

/// The result of [`super::History::store`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreResult {
    /// This answer is stored, and its first push is untried. From now on a crash leaves the outcome of that push
    /// unknown.
    Stored(Delivery),
    /// Another attempt stored an answer before. The field is the stage that it reached.
    Existing(Stage),
    /// The turn has no answer, but another turn that this answer would answer, too, is not open any more. Nothing is
    /// stored.
    Overtaken,
    /// The message was edited since it was loaded, another message of the answer or the quoted one was unsent, the
    /// messages before it were forgotten, or the chat was paused. Nothing is stored, and the answer is drafted anew.
    Changed,
    /// The message was unsent, or is forgotten with its conversation. Nothing is stored, and nothing may be pushed.
    Forgotten,
}

/// A step of a turn that is recorded.
#[derive(Clone, Debug)]
pub enum Step {
    /// A push that was refused is tried again from now on. Its outcome is unknown until it is recorded. If the answer
    /// is not stored any more, the history returns an error and writes nothing.
    Pushing {
        /// The attempt that tries it, by [`Turn::begun`]. If another attempt has begun since, the history returns an
        /// error and writes nothing.
        by: Option<u32>,
        /// The number of pushes that LINE certainly accepted.
        pushed: u32,
    },
    /// LINE certainly did not accept the free reply. From now on the answer is pushed. If another attempt has begun
    /// since this one, or the answer is not stored any more, the history returns an error and writes nothing.
    NotReplied {
        /// The attempt that records this.
        by: Option<u32>,
    },
    /// LINE certainly refused the first push because the month's messages are used up. From now on the run sends the
    /// answer by the free reply and never by a push. If another attempt has begun since this one, or the answer may
    /// have been sent, the history returns an error and writes nothing.
    Replying {
        /// The attempt that replies.
        by: Option<u32>,
    },
    /// LINE refused a push because of the month's limit, although that is not reached. The first time in a run is kept.
    QuotaRefused,
    /// LINE accepted every push. The bodies are deleted.
    Delivered {
        /// The ids of the messages as which the answer was sent, in order, as far as LINE named them. A person may
        /// quote them later: see [`super::History::quoted`]. If there are none, those of an earlier step stay.
        own: Vec<MessageId>,
    },
    /// The turn must never be answered or pushed: see [`Stage::Forgotten`]. A turn in doubt stays in doubt.
    Forgotten,
    /// The attempt failed. If another attempt has begun since this one, the history returns an error and writes
    /// nothing.
    Failed {
        /// The attempt; `None` if it panicked.
        by: Option<u32>,
        /// The reason of the failure.
        reason: Reason,
        /// The knowledge about the pushes, if the answer was stored.
        delivery: Option<Delivery>,
        /// Whether it was the last attempt of the run.
        gave_up: bool,
        /// The run's cost with this attempt; `None` keeps the recorded cost.
        cost: Option<RunCost>,
    },
    /// The attempt was handed back and does not count.
    Withdrawn {
        /// The run's cost, which counts although the attempt does not; `None` keeps the recorded cost.
        cost: Option<RunCost>,
    },
}
