//! Limits a run of attempts: its user's time, and the calls of the model that are paid for. Pure.
//!
//! A run begins with the first attempt at a job and ends with its answer or its apology; a redrive begins another
//! one. Time passes while an attempt lasts and while the pause after it does. Time in the queue does not count, as
//! nobody works on the job then; nor does the time of an attempt that ends because the storage refused, as the operator
//! mends that; nor the time in which LINE still prepares content. Paid calls always count, also those of an attempt that the
//! process interrupts when it stops.

use std::time::Duration;

use crate::{
    failure::{Failure, Reason},
    history::{RunCost, Turn},
};

/// How many calls of the model's server one question is paid for at most.
const PAID_CALLS_MAX: u32 = 3;
/// Another attempt is made only where so much time, or a fifth of the run's, is left for it: with less, a model would
/// be paid for an answer that it has no time to give, and the apology would come late.
const LAST_ATTEMPT: Duration = Duration::from_secs(20);

impl RunCost {
    /// The most that any of these turns has cost: what they share may cost each of them no more than its own run.
    pub(crate) fn most(turns: &[Turn]) -> Self {
        let costs = || turns.iter().map(|turn| turn.cost);
        Self {
            waited: costs().map(|cost| cost.waited).max().unwrap_or_default(),
            paid_calls: costs().map(|cost| cost.paid_calls).max().unwrap_or_default(),
        }
    }

    /// The cost with an attempt that made so many paid calls and failed with this, if it failed; `time` is how long
    /// it took, with the pause after it.
    pub(crate) fn plus(self, time: Duration, paid_calls: u32, failed: Option<Reason>) -> Self {
        let time = if failed == Some(Reason::StorageFailed) { Duration::ZERO } else { time };
        Self {
            waited: self.waited.saturating_add(time),
            paid_calls: self.paid_calls.saturating_add(paid_calls),
        }
    }

    /// How much time the run has left.
    pub(crate) fn time_left(self, give_up_after: Duration) -> Duration {
        give_up_after.saturating_sub(self.waited)
    }

    /// Whether there is time for another attempt.
    pub(crate) fn has_time(self, give_up_after: Duration) -> bool {
        self.time_left(give_up_after) >= last_attempt(give_up_after)
    }

    /// The time of an attempt that begins: what the run has left. An attempt after one that was interrupted has the
    /// least time all the same, in which it can push an answer that is stored, or say that there is none.
    pub(crate) fn attempt_time(self, give_up_after: Duration) -> Duration {
        self.time_left(give_up_after).max(last_attempt(give_up_after))
    }

    /// Whether the model may be called again.
    pub(crate) fn may_pay(self) -> bool {
        self.paid_calls < PAID_CALLS_MAX
    }
}

/// The least time of an attempt.
fn last_attempt(give_up_after: Duration) -> Duration {
    LAST_ATTEMPT.min(give_up_after / 5)
}

/// The failure of a run whose time would be over before its next attempt.
pub(crate) fn out_of_run_time(failure: &Failure, pause: Duration) -> Failure {
    let detail = format!("{}; too late to try again in {} s", failure.detail, pause.as_secs());
    Failure::lasting(failure.reason, detail)
}

/// The failure of a run that has paid for its last call of the model.
pub(crate) fn paid_out(failure: &Failure) -> Failure {
    let detail = format!("{}; {PAID_CALLS_MAX} calls were paid for", failure.detail);
    Failure::lasting(failure.reason, detail)
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
            assert!(cost.paid_calls == paid && cost.may_pay());
            assert!(!cost.plus(Duration::ZERO, PAID_CALLS_MAX - paid, Some(failed)).may_pay());
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
