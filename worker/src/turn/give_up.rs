//! The chapter of giving up: an attempt fails, and its run goes on or ends without an answer.

use std::time::Duration;

use shared::job::Job;

use crate::{
    failure::{Failure, Reason, RetryPolicy},
    history::{Delivery, Stage, Step, Turn},
    outcome::Outcome,
    rules::run_budget::out_of_run_time,
    turn::time_budget::Attempt,
    turn::unsend::is_forgotten,
    turn::{AttemptError, Worker, in_doubt},
};

impl Worker {
    /// An attempt to its end, and what becomes of its failure.
    pub(crate) async fn see_through(
        &self,
        job: &Job,
        turn: &Turn,
        attempt: &Attempt<'_>,
        work: impl Future<Output = Result<Outcome, AttemptError>>,
    ) -> Outcome {
        let AttemptError { failure, delivery } = tokio::select! {
            done = work => match done {
                Ok(outcome) => return outcome,
                Err(setback) => setback,
            },
            // Dropped wherever it stands, as by a crash: the next attempt resumes from what is stored.
            () = attempt.limits.stop.cancelled() => {
                self.record(job, Step::Withdrawn { cost: Some(attempt.cost(turn, None, Duration::ZERO)) }).await;
                return Outcome::GivenBack;
            }
        };
        if let RetryPolicy::Wait(after) = failure.remedy {
            self.withdraw(job, turn, None).await;
            return Outcome::NotReady { after };
        }
        if failure.remedy == RetryPolicy::Never || turn.attempts >= self.config.max_attempts {
            return self.give_up(job, turn, turn.attempts, failure, delivery).await;
        }
        let pause = self.pause_between(turn.attempts, &failure);
        let cost = attempt.cost(turn, Some(failure.reason), pause);
        if !cost.has_time(self.config.give_up_after) {
            let failure = out_of_run_time(&failure, pause);
            return self.give_up(job, turn, turn.attempts, failure, delivery).await;
        }
        let reason = failure.reason;
        self.record(job, Step::Failed { reason, delivery, gave_up: false, cost: Some(cost) }).await;
        Outcome::Later { after: pause, failure }
    }

    /// A job that comes back with its attempts used up, or given up: it was not acknowledged, or the
    /// worker died each time.
    pub(crate) async fn used_up(&self, job: &Job, turn: &Turn) -> Outcome {
        let attempts = turn.attempts.saturating_sub(1).min(self.config.max_attempts);
        let (reason, detail) = match turn.last.reason() {
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
        match self.marks(job).await {
            Ok(past) if past.stage == Stage::InDoubt => {
                return Outcome::Dead { failure: in_doubt(), attempts };
            }
            Ok(past) if is_forgotten(job, turn, &past) => {
                self.record(job, Step::Forgotten).await;
                return Outcome::Forgotten;
            }
            _ => {}
        }
        self.record(job, Step::Failed { reason: failure.reason, delivery, gave_up: true, cost: None }).await;
        Outcome::Dead { failure, attempts }
    }

    /// What a letter keeps of a job: no words of a message that was taken back.
    pub async fn in_letter(&self, job: &Job, body: &str) -> String {
        match self.marks(job).await {
            Ok(past) if past.unsent => job.without_words().encode(),
            _ => body.to_owned(),
        }
    }
}
