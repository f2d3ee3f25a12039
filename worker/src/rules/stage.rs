//! The stage of a turn, the knowledge about its pushes, the end of its newest attempt, and its cost.
//! [`super::turn`] says what each step makes of it. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::failure::Reason;

/// The stage that a turn reached, with the knowledge about its stored answer.
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
    /// The number of pushes that LINE certainly accepted.
    pub pushed: u32,
    /// The state of the next one.
    pub state: PushState,
    /// The method of the next one.
    pub method: SendMethod,
}

/// The knowledge about the pushes of a stored answer, without a word of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushProgress {
    /// The number of pushes that LINE certainly accepted.
    pub pushed: u32,
    /// The state of the next one.
    pub state: PushState,
    /// The method of the next one.
    pub method: SendMethod,
}

/// The state of the next push of a stored answer.
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
    /// The state that a row tells, which knows only since when the outcome is unknown.
    pub fn of_row(unknown_since: Option<Timestamp>) -> Self {
        unknown_since.map_or(Self::Refused, |since| Self::Unknown { since })
    }

    /// The time that a row keeps of it: a crash leaves unknown a push that is about to be tried.
    pub fn unknown_since(self) -> Option<Timestamp> {
        match self {
            Self::Refused => None,
            Self::Untried { since } | Self::Unknown { since } => Some(since),
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
    /// The knowledge about the pushes.
    pub fn progress(&self) -> PushProgress {
        PushProgress { pushed: self.pushed, state: self.state, method: self.method }
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

/// The end of a run's newest attempt, as its row tells it. `begin` hands out that of the one before.
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
    /// The end that a turn's row tells, with the attempts of its run.
    pub fn of_row(attempts: u32, failed: Option<Reason>, gave_up: Option<Reason>) -> Self {
        match (gave_up, failed) {
            (Some(reason), _) => Self::GaveUp(reason),
            (None, Some(reason)) => Self::Failed(reason),
            (None, None) if attempts > 0 => Self::Crashed,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn a_push_keeps_the_time_since_which_a_crash_leaves_it_unknown() {
        let (untried, unknown) = (PushState::Untried { since: at(1) }, PushState::Unknown { since: at(1) });
        for (state, unknown_since, after_unknown_outcome) in [
            (PushState::Refused, None, PushState::Refused),
            (untried, Some(at(1)), unknown),
            (unknown, Some(at(1)), unknown),
        ] {
            assert_eq!(state.unknown_since(), unknown_since, "{state:?}");
            assert_eq!(state.after_unknown_outcome(), after_unknown_outcome, "{state:?}");
        }
        assert_eq!(PushState::of_row(None), PushState::Refused);
        assert_eq!(PushState::of_row(Some(at(1))), unknown, "a crash may have followed");
    }

    #[test]
    fn a_push_is_repeated_only_while_line_knows_its_key() {
        let day = 24 * 60;
        for state in [PushState::Untried { since: at(0) }, PushState::Unknown { since: at(0) }] {
            let delivery = |method| Delivery { pushes: vec![], pushed: 0, state, method };
            assert!(delivery(SendMethod::Push).may_be_pushed(at(day - 2)), "{state:?}");
            assert!(!delivery(SendMethod::Push).may_be_pushed(at(day - 1)), "{state:?}");
            assert!(!delivery(SendMethod::ReplyToken).may_be_pushed(at(1)), "{state:?}: a reply has no key");
        }
        let refused = PushState::Refused;
        let delivery = Delivery { pushes: vec![], pushed: 0, state: refused, method: SendMethod::Push };
        assert!(delivery.may_be_pushed(at(10 * day)));
    }

    #[test]
    fn the_end_of_an_attempt_is_read_from_rows_of_all_versions() {
        let (one, other) = (Reason::Internal, Reason::ModelGone);
        for (attempts, failed, gave_up, last) in [
            (0, None, None, LastAttempt::None),
            (1, None, None, LastAttempt::Crashed),
            (1, Some(one), None, LastAttempt::Failed(one)),
            (0, Some(one), None, LastAttempt::Failed(one)),
            (2, None, Some(other), LastAttempt::GaveUp(other)),
            // Earlier versions wrote both.
            (2, Some(one), Some(other), LastAttempt::GaveUp(other)),
        ] {
            assert_eq!(LastAttempt::of_row(attempts, failed, gave_up), last);
        }
    }
    #[test]
    fn nothing_more_is_done_once_an_answer_is_delivered_taken_back_or_in_doubt() {
        for (stage, is_over) in [
            (Stage::Open, false),
            (Stage::Stored(()), false),
            (Stage::Delivered, true),
            (Stage::Forgotten, true),
            (Stage::InDoubt, true),
        ] {
            assert_eq!(stage.is_over(), is_over, "{stage:?}");
            assert_eq!(stage.map(|()| "said").map(|_| ()), stage, "whatever is known of the answer");
        }
    }
}
