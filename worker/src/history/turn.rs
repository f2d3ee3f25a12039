//! How far a turn got, and the steps by which it gets there.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::failure::Reason;

/// Where the turn of an event stands, read consistently by [`super::History::begin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// When its first attempt began.
    pub begun_at: Timestamp,
    /// Attempts begun in this run, this one included.
    pub attempts: u32,
    /// What the last attempt of this run failed with; `None` also where it left no outcome.
    pub failed: Option<Reason>,
    /// Why this run was given up, if it was: its job comes again only to be acknowledged.
    pub gave_up: Option<Reason>,
    /// When LINE refused a push of this run first for the month's limit, though that is not reached.
    pub quota_since: Option<Timestamp>,
    /// The cost of this run so far.
    pub cost: RunCost,
    /// How far it got.
    pub stage: Stage,
}

/// The cost of a run's recorded attempts. Each run begins at zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCost {
    /// How long the user has waited for attempts and for the pauses after them, kept in whole milliseconds.
    pub waited: Duration,
    /// Calls of the model's server that were paid for, or may have been.
    pub paid_calls: u32,
}

/// How far a turn got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// No answer is stored.
    #[default]
    Open,
    /// The answer is stored and not certainly delivered.
    Stored(Delivery),
    /// Every push was accepted.
    Delivered,
    /// It shall never be answered nor pushed. No words of it are kept.
    Forgotten,
    /// The same of an answer that may have arrived, where a part of what it answered is not forgotten.
    InDoubt,
}

impl Stage {
    /// Whether nothing more is to be done.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Delivered | Self::Forgotten | Self::InDoubt)
    }
}

/// The stored pushes of a turn and what is known of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The exact bodies, in order.
    pub pushes: Vec<String>,
    /// How many were certainly accepted.
    pub pushed: u32,
    /// Since when the outcome of the next push is unknown; `None` if it was certainly not accepted.
    pub unknown_since: Option<Timestamp>,
    /// Whether the first goes by the free reply token. There is no key to tell what became of a reply.
    pub by_reply: bool,
}

/// LINE forgets a retry key 24 hours after its first use; after that the same push is a new one
/// (LINE, "Retry failed API requests"). A minute is kept back for the request's own way.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_mins(24 * 60 - 1);

/// Whether LINE still knows a retry key that was first used at `first`.
pub fn key_is_alive(first: Timestamp, now: Timestamp) -> bool {
    now.duration_since(first) < KEY_LIFETIME
}

impl Delivery {
    /// Whether certainly nothing of it has arrived.
    pub fn is_unsaid(&self) -> bool {
        self.pushed == 0 && self.unknown_since.is_none()
    }

    /// Whether pushing what is left cannot deliver anything twice.
    pub fn may_be_pushed(&self, now: Timestamp) -> bool {
        self.unknown_since.is_none_or(|since| !self.by_reply && key_is_alive(since, now))
    }
}

/// What [`super::History::store`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreResult {
    /// This answer is stored. Nothing of it was pushed yet; from now on a crash leaves that unknown.
    Stored(Delivery),
    /// Another attempt stored one before: this is how far that one got.
    Existing(Stage),
    /// The turn has no answer, but one of those that this would answer with it is not open any more.
    /// Nothing is stored.
    Overtaken,
    /// Its message was changed since it was loaded, or another that it answers was taken back. Nothing is
    /// stored: it is to be thought about anew.
    Changed,
    /// What it answers was taken back, or the conversation was forgotten since it was loaded. Nothing is
    /// stored, and nothing shall be pushed.
    Forgotten,
}

/// A step of a turn that is written down.
#[derive(Clone, Debug)]
pub enum Step {
    /// A push that was refused is tried again from now on: its outcome is unknown until it is known. An
    /// error, and nothing is written, where the answer is not stored any more.
    Pushing {
        /// Pushes certainly accepted.
        pushed: u32,
    },
    /// LINE certainly did not take the free reply: from now on it is pushed. An error, and nothing is
    /// written, where another attempt has begun since this one, or the answer is not stored any more.
    NotReplied {
        /// Attempts begun in this run, this one included.
        attempts: u32,
    },
    /// LINE refused a push for the month's limit, though that is not reached. The first time in a run stays.
    QuotaRefused,
    /// Every push was accepted. The bodies are forgotten.
    Delivered,
    /// It shall never be answered nor pushed: see [`Stage::Forgotten`]. What is in doubt stays so.
    Forgotten,
    /// The attempt failed.
    Failed {
        /// With what.
        reason: Reason,
        /// What is known of the pushes, if the answer was stored.
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
