//! The time budget of an attempt: how long it may take and how often it may pay for the model, after the run's cost so far.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use super::limits::Limits;
use crate::{
    failure::{Failure, Reason},
    history::{LastAttempt, RunCost, Turn},
    retry_pauses,
    rules::run_budget::paid_out,
};

/// The longest time that is reserved for storing, pushing and handing back, and is not given to the model.
pub(super) const RESERVE_MAX: Duration = Duration::from_secs(20);

/// An attempt at a turn, or at several turns that are answered together.
pub(crate) struct Attempt<'a> {
    /// The limits of the queue's side.
    pub(crate) limits: &'a Limits,
    /// The number of attempts begun in this run, including this one.
    pub(crate) number: u32,
    /// The fencing token of the attempt: see [`Turn::begun`].
    pub(crate) by: Option<u32>,
    /// The time when the attempt must be over: the queue's deadline, or the end of the run's time.
    pub(crate) deadline: Instant,
    began: Instant,
    /// The cost of the run before this attempt, and the end of the attempt before this one.
    before: RunCost,
    last: LastAttempt,
    /// The paid calls of this attempt, including the one that is under way.
    paid_calls: AtomicU32,
    /// Whether no attempt at its turn has made a draft yet, as far as this attempt can know.
    is_first_to_draft: AtomicBool,
}

impl<'a> Attempt<'a> {
    /// Returns the attempt that has just begun these turns.
    pub(crate) fn at(turns: &[Turn], limits: &'a Limits, give_up_after: Duration) -> Self {
        let (began, before) = (Instant::now(), RunCost::most(turns));
        Self {
            limits,
            number: turns.last().map_or(1, |turn| turn.attempts),
            by: turns.last().map(|turn| turn.begun),
            deadline: limits.deadline.min(began + before.attempt_time(give_up_after)),
            began,
            before,
            last: turns.last().map_or(LastAttempt::None, |turn| turn.last),
            paid_calls: AtomicU32::new(0),
            is_first_to_draft: AtomicBool::new(turns.last().is_some_and(|turn| turn.begun == 1)),
        }
    }

    /// Makes this the attempt of one of its turns, to which the answer belongs.
    pub(crate) fn leads(&mut self, turn: &Turn) {
        (self.number, self.by) = (turn.attempts, Some(turn.begun));
    }

    /// Returns true once in the life of a turn: for the first draft of its first attempt.
    pub(crate) fn is_first_to_draft(&self) -> bool {
        self.is_first_to_draft.swap(false, Relaxed)
    }

    /// Returns the time when the model must have answered: a fifth of the attempt's time, at most [`RESERVE_MAX`], is
    /// reserved.
    pub(crate) fn model_deadline(&self) -> Instant {
        let reserve = (self.deadline.saturating_duration_since(Instant::now()) / 5).min(RESERVE_MAX);
        self.deadline - reserve
    }

    /// Returns the cost of one turn's run with this attempt, if it ends now with this failure, and the pause after it.
    pub(crate) fn cost(&self, turn: &Turn, failed: Option<Reason>, pause: Duration) -> RunCost {
        turn.cost.plus(self.began.elapsed().saturating_add(pause), self.paid_calls.load(Relaxed), failed)
    }

    /// Returns an error if the run has no paid call left.
    pub(crate) fn ensure_call_left(&self) -> Result<(), Failure> {
        self.ensure_calls_left(0)
    }

    /// Returns an error if the run has no paid call left beside `kept` further ones.
    fn ensure_calls_left(&self, kept: u32) -> Result<(), Failure> {
        let paid_calls = self.paid_calls.load(Relaxed) + kept;
        if self.before.plus(Duration::ZERO, paid_calls, None).has_call_left() {
            return Ok(());
        }
        let reason = self.last.reason().unwrap_or(Reason::ModelUnavailable);
        Err(paid_out(&Failure::permanent(reason, "the model was not called again")))
    }

    /// Counts a call of the model's server that is about to be made. A call that is dropped under way stays counted,
    /// because it was sent.
    pub(crate) fn count_call(&self) {
        self.paid_calls.fetch_add(1, Relaxed);
    }

    /// Ends a call, and does not count it if it certainly costs nothing.
    pub(crate) fn finish_call(&self, is_paid: bool) {
        if !is_paid {
            self.paid_calls.fetch_sub(1, Relaxed);
        }
    }

    /// Returns the pause before the model is called again within this attempt, or the failure if it is not called
    /// again. `kept` paid calls are left over for another model.
    pub(crate) fn pause_before_call(
        &self,
        pauses: &[Duration],
        tries: u32,
        failure: &Failure,
        deadline: Instant,
        kept: u32,
    ) -> Result<Duration, Failure> {
        self.ensure_call_left().map_err(|_| paid_out(failure))?;
        self.ensure_calls_left(kept).map_err(|_| failure.clone())?;
        let pause = retry_pauses::within(pauses, tries, failure);
        pause.filter(|pause| Instant::now() + *pause < deadline).ok_or_else(|| failure.clone())
    }
}
