//! The chapter of giving up: a run of attempts ends without an answer.

use shared::job::Job;

use crate::{
    answer::Worker,
    forget::is_forgotten,
    history::{Delivery, Step, Turn},
    outcome::{Failure, Outcome, Reason},
};

impl Worker {
    /// A job that comes back with its attempts used up, or given up: it was not acknowledged, or the
    /// worker died each time.
    pub(crate) async fn used_up(&self, job: &Job, turn: &Turn) -> Outcome {
        let attempts = turn.attempts.saturating_sub(1).min(self.config.max_attempts);
        let (reason, detail) = match turn.gave_up.or(turn.failed) {
            Some(reason) => (reason, format!("it was given up before, after {attempts} attempt(s)")),
            None => (Reason::WorkerDied, format!("the last of {attempts} attempts left no outcome")),
        };
        self.give_up(job, turn, attempts, Failure::lasting(reason, detail), None).await
    }

    /// The end of a run. No letter is written of what was taken back meanwhile, and nobody is told.
    pub(crate) async fn give_up(
        &self,
        job: &Job,
        turn: &Turn,
        attempts: u32,
        failure: Failure,
        delivery: Option<Delivery>,
    ) -> Outcome {
        if let Ok(past) = self.marks(job).await
            && (past.unsent || is_forgotten(job, turn, &past))
        {
            if !is_forgotten(job, turn, &past) {
                // What it was to answer in its place was not taken back.
                self.apologise(job, failure.reason).await;
            }
            self.record(job, Step::Forgotten).await;
            return Outcome::Forgotten;
        }
        self.record(job, Step::Failed { reason: failure.reason, delivery, gave_up: true }).await;
        Outcome::Dead { failure, attempts }
    }
}
