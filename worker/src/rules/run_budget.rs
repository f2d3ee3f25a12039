//! The limits of a run of attempts: its user's time, and the calls of the model that are paid for. Pure.
//!
//! A run begins with the first attempt at a job and ends with its answer or its apology; a redrive begins another run.
//! The time of an attempt and of the pause after it counts. The time in the queue does not count, because nobody works
//! on the job then. The time of an attempt that ends because the storage refused does not count, because the operator
//! repairs that. The time in which LINE still prepares content does not count. Paid calls always count, also those of
//! an attempt that the process interrupts when it stops.

use std::time::Duration;

use crate::{
    failure::{Failure, Reason},
    history::{RunCost, Turn},
};

/// The most calls of the model's server that are paid for one question.
const PAID_CALLS_MAX: u32 = 3;
/// The time that must be left for another attempt; a fifth of the run's time is enough if that is shorter. With less
/// time, a model would be paid for an answer that it has no time to give, and the apology would come late.
const LAST_ATTEMPT: Duration = Duration::from_secs(20);

impl RunCost {
    /// Returns the longest wait and the most paid calls of any of these turns, because an attempt that they share may
    /// cost each of them no more than its own run.
    pub(crate) fn most(turns: &[Turn]) -> Self {
        let costs = || turns.iter().map(|turn| turn.cost);
        Self {
            waited: costs().map(|cost| cost.waited).max().unwrap_or_default(),
            paid_calls: costs().map(|cost| cost.paid_calls).max().unwrap_or_default(),
        }
    }

    /// Adds an attempt to the cost. `time` is the duration of the attempt with the pause after it, `paid_calls` is the
    /// number of its paid calls, and `failed` is its reason, if it failed.
    pub(crate) fn plus(self, time: Duration, paid_calls: u32, failed: Option<Reason>) -> Self {
        let time = if failed == Some(Reason::StorageFailed) { Duration::ZERO } else { time };
        Self {
            waited: self.waited.saturating_add(time),
            paid_calls: self.paid_calls.saturating_add(paid_calls),
        }
    }

    /// Returns the time that the run has left.
    pub(crate) fn time_left(self, give_up_after: Duration) -> Duration {
        give_up_after.saturating_sub(self.waited)
    }

    /// Whether there is time for another attempt.
    pub(crate) fn has_time(self, give_up_after: Duration) -> bool {
        self.time_left(give_up_after) >= last_attempt(give_up_after)
    }

    /// Returns the time for an attempt that begins: the time that the run has left. An attempt after an interrupted one
    /// gets at least the least time, in which it can push a stored answer, or apologise.
    pub(crate) fn attempt_time(self, give_up_after: Duration) -> Duration {
        self.time_left(give_up_after).max(last_attempt(give_up_after))
    }

    /// Whether the model may be called again.
    pub(crate) fn has_call_left(self) -> bool {
        self.paid_calls < PAID_CALLS_MAX
    }
}

/// Returns the least time of an attempt.
fn last_attempt(give_up_after: Duration) -> Duration {
    LAST_ATTEMPT.min(give_up_after / 5)
}

/// Returns the failure of a run whose time would be over before its next attempt.
pub(crate) fn out_of_run_time(failure: &Failure, pause: Duration) -> Failure {
    let detail = format!("{}; too late to try again in {} s", failure.detail, pause.as_secs());
    Failure::permanent(failure.reason, detail)
}

/// Returns the failure of a run that has paid for its last call of the model.
pub(crate) fn paid_out(failure: &Failure) -> Failure {
    let detail = format!("{}; {PAID_CALLS_MAX} calls were paid for", failure.detail);
    Failure::permanent(failure.reason, detail)
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::history::{LastAttempt, Stage};

    const GIVE_UP_AFTER: Duration = Duration::from_mins(15);

    #[test]
    fn time_counts_but_for_a_refused_storage_and_a_pause_that_does_not_fit_ends_the_run() {
        let s = Duration::from_secs;
        #[rustfmt::skip]
        let rows = [
            // waited, attempt, pause, failed with, waited then, another attempt
            (s(0), s(1), s(10), Some(Reason::ModelUnavailable), s(11), true),
            (s(0), s(280), s(10), None, s(290), true),
            (s(580), s(291), s(10), Some(Reason::ModelUnavailable), s(881), false),
            (s(0), s(0), s(880), Some(Reason::LineRejected), s(880), true),
            (s(0), s(0), s(881), Some(Reason::LineRejected), s(881), false),
            (s(0), s(0), s(86_400), Some(Reason::ModelUnavailable), s(86_400), false),
            (s(0), s(1), Duration::MAX, Some(Reason::DeliveryUnknown), Duration::MAX, false),
            (s(0), s(3_000), s(300), Some(Reason::StorageFailed), s(0), true),
            (s(800), s(280), s(300), Some(Reason::StorageFailed), s(800), true),
        ];
        for (waited, attempt, pause, failed, then, another) in rows {
            let cost = RunCost { waited, paid_calls: 0 }.plus(attempt.saturating_add(pause), 0, failed);
            assert_eq!((cost.waited, cost.has_time(GIVE_UP_AFTER)), (then, another), "{waited:?} {failed:?}");
        }
        assert!(RunCost { waited: s(4), paid_calls: 0 }.has_time(s(5)));
        assert!(!RunCost { waited: Duration::from_millis(4_001), paid_calls: 0 }.has_time(s(5)));
        let cost = RunCost { waited: s(870), paid_calls: 0 };
        assert_eq!((cost.time_left(GIVE_UP_AFTER), cost.time_left(s(60))), (s(30), s(0)));
        assert_eq!((cost.attempt_time(GIVE_UP_AFTER), cost.attempt_time(s(60))), (s(30), s(12)));
    }

    #[test]
    fn three_calls_are_paid_for_whatever_they_failed_with() {
        let none = RunCost::default();
        for (paid, failed) in [(1, Reason::ModelUnavailable), (2, Reason::StorageFailed)] {
            let cost = none.plus(Duration::ZERO, paid, Some(failed));
            assert!(cost.paid_calls == paid && cost.has_call_left());
            assert!(!cost.plus(Duration::ZERO, PAID_CALLS_MAX - paid, Some(failed)).has_call_left());
        }
    }
    #[test]
    fn turns_that_are_answered_together_cost_the_longest_wait_and_the_most_calls_of_one() {
        let turn = |seconds, paid_calls| Turn {
            begun: 1,
            attempts: 1,
            last: LastAttempt::None,
            quota_since: None,
            cost: RunCost { waited: Duration::from_secs(seconds), paid_calls },
            stage: Stage::Open,
        };
        for (turns, waited, paid_calls) in
            [(&[turn(30, 1), turn(20, 2)][..], 30, 2), (&[turn(5, 0)], 5, 0), (&[], 0, 0)]
        {
            let most = RunCost::most(turns);
            assert_eq!(most, RunCost { waited: Duration::from_secs(waited), paid_calls });
        }
    }
}
