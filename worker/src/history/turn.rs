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
    /// The end of the attempt before this one, in this run.
    pub last: LastAttempt,
    /// When LINE refused a push of this run first for the month's limit, though that is not reached.
    pub quota_since: Option<Timestamp>,
    /// The cost of this run so far.
    pub cost: RunCost,
    /// How far it got.
    pub stage: Stage,
}

/// The end of the attempt before this one, in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastAttempt {
    /// There was none that counts.
    #[default]
    None,
    /// It failed with this.
    Failed(Reason),
    /// It left no outcome, as when the worker dies of it.
    Crashed,
    /// An attempt gave the run up with this: the job comes again only to be acknowledged.
    GaveUp(Reason),
}

impl LastAttempt {
    /// What a turn's row says of it, with the attempts of the run that were counted before this one.
    pub fn of_row(before: u32, failed: Option<Reason>, gave_up: Option<Reason>) -> Self {
        match (gave_up, failed) {
            (Some(reason), _) => Self::GaveUp(reason),
            (None, Some(reason)) => Self::Failed(reason),
            (None, None) if before > 0 => Self::Crashed,
            (None, None) => Self::None,
        }
    }

    /// The reason that was recorded.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Failed(reason) | Self::GaveUp(reason) => Some(reason),
            Self::None | Self::Crashed => None,
        }
    }
}

/// The cost of a run's recorded attempts. Each run begins at zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunCost {
    /// How long the user has waited for attempts and for the pauses after them, kept in whole milliseconds.
    pub waited: Duration,
    /// Calls of the model's server that were paid for, or may have been.
    pub paid_calls: u32,
}

/// How far a turn got, with what is known of its stored answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage<Answer = Delivery> {
    /// No answer is stored.
    #[default]
    Open,
    /// The answer is stored and not certainly delivered.
    Stored(Answer),
    /// Every push was accepted.
    Delivered,
    /// It shall never be answered nor pushed. No words of it are kept.
    Forgotten,
    /// The same of an answer that may have arrived, where a part of what it answered is not forgotten.
    InDoubt,
}

impl<Answer> Stage<Answer> {
    /// Whether nothing more is to be done.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Delivered | Self::Forgotten | Self::InDoubt)
    }

    /// The same stage with something else of its answer.
    pub fn map<Other>(self, of: impl FnOnce(Answer) -> Other) -> Stage<Other> {
        match self {
            Self::Open => Stage::Open,
            Self::Stored(answer) => Stage::Stored(of(answer)),
            Self::Delivered => Stage::Delivered,
            Self::Forgotten => Stage::Forgotten,
            Self::InDoubt => Stage::InDoubt,
        }
    }
}

/// The stored pushes of a turn and what is known of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The exact bodies, in order.
    pub pushes: Vec<String>,
    /// How many were certainly accepted.
    pub pushed: u32,
    /// How far the next one got.
    pub state: PushState,
    /// How the next one goes.
    pub method: SendMethod,
}

/// What is known of the pushes of a stored answer, without a word of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushProgress {
    /// How many were certainly accepted.
    pub pushed: u32,
    /// How far the next one got.
    pub state: PushState,
    /// How the next one goes.
    pub method: SendMethod,
}

/// How far the next push of a stored answer got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushState {
    /// Nobody has tried it yet. It was written down at `since` that it is about to be tried: a crash leaves it
    /// unknown since then.
    Untried {
        /// When that was written down.
        since: Timestamp,
    },
    /// LINE certainly did not accept it.
    Refused,
    /// Nobody knows whether LINE accepted it.
    Unknown {
        /// It was first tried then or later.
        since: Timestamp,
    },
}

/// How a push of a stored answer goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendMethod {
    /// By push, under a retry key.
    #[default]
    Push,
    /// By the free reply token. There is no key to tell what became of a reply.
    ReplyToken,
}

impl PushState {
    /// What a row says, which knows only since when the outcome is unknown.
    pub fn of_row(unknown_since: Option<Timestamp>) -> Self {
        unknown_since.map_or(Self::Refused, |since| Self::Unknown { since })
    }

    /// What a row keeps of it: a crash leaves unknown what is about to be tried.
    pub fn unknown_since(self) -> Option<Timestamp> {
        match self {
            Self::Refused => None,
            Self::Untried { since } | Self::Unknown { since } => Some(since),
        }
    }

    /// The state of the push after this one, once LINE accepted this one. It is untried, but the row says
    /// since when a crash leaves it unknown, and that age must not be lost: its retry key lives for a day.
    #[must_use]
    pub fn of_next_part(self) -> Self {
        match self {
            Self::Untried { since } | Self::Unknown { since } => Self::Untried { since },
            // No push is accepted before it is written down that it is about to be tried.
            Self::Refused => Self::Refused,
        }
    }

    /// The state of the push once it was tried and nobody knows whether LINE accepted it.
    #[must_use]
    pub fn after_unknown_outcome(self) -> Self {
        self.unknown_since().map_or(self, |since| Self::Unknown { since })
    }
}

/// LINE forgets a retry key 24 hours after its first use; after that the same push is a new one
/// (LINE, "Retry failed API requests"). A minute is kept back for the request's own way.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_mins(24 * 60 - 1);

/// Whether LINE still knows a retry key that was first used at `first`.
pub fn key_is_alive(first: Timestamp, now: Timestamp) -> bool {
    now.duration_since(first) < KEY_LIFETIME
}

impl PushProgress {
    /// Whether certainly nothing of the answer has arrived.
    pub fn is_unsaid(&self) -> bool {
        self.pushed == 0 && self.state == PushState::Refused
    }

    /// The delivery of these pushes.
    pub fn of(self, pushes: Vec<String>) -> Delivery {
        let Self { pushed, state, method } = self;
        Delivery { pushes, pushed, state, method }
    }
}

impl Delivery {
    /// What is known of the pushes.
    pub fn progress(&self) -> PushProgress {
        PushProgress { pushed: self.pushed, state: self.state, method: self.method }
    }

    /// Whether certainly nothing of it has arrived.
    pub fn is_unsaid(&self) -> bool {
        self.progress().is_unsaid()
    }

    /// Whether pushing what is left cannot deliver anything twice.
    pub fn may_be_pushed(&self, now: Timestamp) -> bool {
        match self.state {
            PushState::Refused => true,
            PushState::Untried { since } | PushState::Unknown { since } => {
                self.method == SendMethod::Push && key_is_alive(since, now)
            }
        }
    }
}

/// What [`super::History::store`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreResult {
    /// This answer is stored, its first push untried; from now on a crash leaves that unknown.
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
