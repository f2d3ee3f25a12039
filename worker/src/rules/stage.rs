//! The stage of a turn, the knowledge about its pushes, the end of its newest attempt, and its cost. [`super::turn`]
//! defines how each step changes them. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::failure::Reason;

/// The stage that a turn reached, with the knowledge about its stored answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage<Answer = Delivery> {
    /// No answer is stored.
    #[default]
    Open,
    /// The answer is stored, and it is not certain that it is delivered.
    Stored(Answer),
    /// LINE accepted every push.
    Delivered,
    /// The turn must never be answered or pushed. None of its words are kept.
    Forgotten,
    /// The same as `Forgotten`, for an answer that may have arrived, if a part of its questions is not forgotten.
    InDoubt,
}

impl<Answer> Stage<Answer> {
    /// Whether nothing more has to be done.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Delivered | Self::Forgotten | Self::InDoubt)
    }

    /// Returns the same stage with another value for its answer.
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

/// The stored pushes of a turn, and the knowledge about each of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The exact bodies, in order.
    pub pushes: Vec<String>,
    /// The number of pushes that LINE certainly accepted.
    pub pushed: u32,
    /// The state of the next push.
    pub state: PushState,
    /// The send method of the next push.
    pub method: SendMethod,
}

/// The knowledge about the pushes of a stored answer, without any of their words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushProgress {
    /// The number of pushes that LINE certainly accepted.
    pub pushed: u32,
    /// The state of the next push.
    pub state: PushState,
    /// The send method of the next push.
    pub method: SendMethod,
}

/// The state of the next push of a stored answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushState {
    /// Nobody has tried the push yet. At `since` it was recorded that the push is about to be tried, so after a crash
    /// its outcome is unknown since then.
    Untried {
        /// The time when this was recorded.
        since: Timestamp,
    },
    /// LINE certainly did not accept the push.
    Refused,
    /// Nobody knows whether LINE accepted the push.
    Unknown {
        /// The time at which, or after which, the push was first tried.
        since: Timestamp,
    },
}

/// The method by which a push of a stored answer is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendMethod {
    /// A push with a retry key.
    #[default]
    Push,
    /// The free reply token. A reply has no key by which its outcome could be found out.
    ReplyToken,
    /// The same, after LINE refused the push because the month's messages are used up. The run never pushes it again;
    /// an operator's redrive may, if LINE certainly refused the reply, too.
    ReplyOnly,
}

impl PushState {
    /// Returns the state that a row records. The row only knows since when the outcome is unknown.
    pub fn of_row(unknown_since: Option<Timestamp>) -> Self {
        unknown_since.map_or(Self::Refused, |since| Self::Unknown { since })
    }

    /// Returns the time that a row keeps of this state. After a crash, the outcome of a push that was about to be tried
    /// is unknown.
    pub fn unknown_since(self) -> Option<Timestamp> {
        match self {
            Self::Refused => None,
            Self::Untried { since } | Self::Unknown { since } => Some(since),
        }
    }

    /// Returns the state of the push after a try, if nobody knows whether LINE accepted it.
    #[must_use]
    pub fn after_unknown_outcome(self) -> Self {
        self.unknown_since().map_or(self, |since| Self::Unknown { since })
    }
}

/// The time for which LINE knows a retry key. LINE forgets a key 24 hours after its first use; after that the same push
/// is a new one (LINE, "Retry failed API requests"). One minute is subtracted for the way of the request to LINE.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_mins(24 * 60 - 1);

/// Whether LINE still knows a retry key that was first used at `first`.
pub fn key_is_alive(first: Timestamp, now: Timestamp) -> bool {
    now.duration_since(first) < KEY_LIFETIME
}

impl PushProgress {
    /// True if it is certain that nothing of the answer has arrived.
    pub fn is_unsaid(&self) -> bool {
        self.pushed == 0 && self.state == PushState::Refused
    }

    /// Returns the delivery of these pushes.
    pub fn of(self, pushes: Vec<String>) -> Delivery {
        let Self { pushed, state, method } = self;
        Delivery { pushes, pushed, state, method }
    }
}

impl Delivery {
    /// Returns the knowledge about the pushes.
    pub fn progress(&self) -> PushProgress {
        PushProgress { pushed: self.pushed, state: self.state, method: self.method }
    }

    /// Whether the remaining pushes can be sent without a risk that anything is delivered twice.
    pub fn may_be_pushed(&self, now: Timestamp) -> bool {
        match self.state {
            PushState::Refused => true,
            PushState::Untried { since } | PushState::Unknown { since } => {
                self.method == SendMethod::Push && key_is_alive(since, now)
            }
        }
    }
}

/// The end of a run's newest attempt, as its row records it. `begin` returns the end of the attempt before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastAttempt {
    /// There was no attempt that counts.
    #[default]
    None,
    /// The attempt failed with this reason.
    Failed(Reason),
    /// The attempt left no outcome, for example because its job killed the worker.
    Crashed,
    /// An attempt gave up the run for this reason. The job comes again only to be acknowledged.
    GaveUp(Reason),
}

impl LastAttempt {
    /// Returns the end that a turn's row records. `attempts` is the number of attempts of its run.
    pub fn of_row(attempts: u32, failed: Option<Reason>, gave_up: Option<Reason>) -> Self {
        match (gave_up, failed) {
            (Some(reason), _) => Self::GaveUp(reason),
            (None, Some(reason)) => Self::Failed(reason),
            (None, None) if attempts > 0 => Self::Crashed,
            (None, None) => Self::None,
        }
    }

    /// Returns the reason that was recorded.
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
    /// The time that the user has waited for attempts and for the pauses after them. A row keeps it in whole
    /// milliseconds.
    pub waited: Duration,
    /// The number of calls of the model's server that were paid for, or may have been.
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
