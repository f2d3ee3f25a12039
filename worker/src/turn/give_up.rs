//! The end of a failed attempt: its run continues after a pause, or ends without an answer.

use std::time::Duration;

use shared::job::Job;

use super::{
    attempt_error::{AttemptError, in_doubt},
    handoff::log_paused,
    merge_result::MergeResult,
    time_budget::Attempt,
    unsend::is_forgotten,
};
use crate::{
    config::Config,
    failure::{Failure, Reason, RetryPolicy},
    history::{Delivery, LastAttempt, RunCost, Stage, Step, Turn},
    outcome::Outcome,
    retry_pauses,
    rules::run_budget::out_of_run_time,
    storage::Storage,
};

/// Does the work of an attempt, and decides what follows from its failure.
pub(crate) async fn run_to_outcome(
    config: &Config,
    storage: &Storage,
    job: &Job,
    turn: &Turn,
    attempt: &Attempt<'_>,
    work: impl Future<Output = Result<Outcome, AttemptError>>,
) -> Outcome {
    let AttemptError { failure, delivery } = tokio::select! {
        done = work => match done {
            Ok(outcome) => return outcome,
            Err(error) => error,
        },
        // The work is dropped at any point, as by a crash: the next attempt resumes from what is stored.
        () = attempt.limits.stop.cancelled() => {
            let cost = Some(attempt.cost(turn, None, Duration::ZERO));
            storage.record_or_log(job, Step::Withdrawn { cost }).await;
            return Outcome::GivenBack;
        }
    };
    if let RetryPolicy::Wait(after) = failure.retry {
        withdraw(storage, job, turn, None).await;
        return Outcome::NotReady { after };
    }
    if failure.reason == Reason::Paused && job.run.is_none() {
        // A stored answer of which nothing arrived. A redriven one stays a dead letter, for a redrive after the pause.
        log_paused(job);
        storage.record_or_log(job, Step::Forgotten).await;
        return Outcome::Forgotten;
    }
    // A job that is forgotten gets no further attempt, so that newer messages do not wait for it.
    if let Some(outcome) = outcome_if_unsent(storage, job, turn.attempts).await {
        return outcome;
    }
    if failure.retry == RetryPolicy::Never || turn.attempts >= config.max_attempts {
        return give_up(config, storage, job, turn, turn.attempts, failure, delivery).await;
    }
    let pause = retry_pauses::between_attempts(&config.pauses, turn.attempts, &failure);
    let cost = attempt.cost(turn, Some(failure.reason), pause);
    if !cost.has_time(config.give_up_after) {
        let failure = out_of_run_time(&failure, pause);
        return give_up(config, storage, job, turn, turn.attempts, failure, delivery).await;
    }
    let reason = failure.reason;
    let by = attempt.by;
    storage.record_or_log(job, Step::Failed { by, reason, delivery, gave_up: false, cost: Some(cost) }).await;
    Outcome::Later { after: pause, failure }
}

/// Ends a job that comes again although its attempts are used up or its run is given up: it was not acknowledged, or
/// the worker crashed each time.
pub(crate) async fn attempts_used_up(config: &Config, storage: &Storage, job: &Job, turn: &Turn) -> Outcome {
    let attempts = turn.attempts.saturating_sub(1).min(config.max_attempts);
    if let Some(outcome) = outcome_if_unsent(storage, job, attempts).await {
        return outcome;
    }
    let (reason, detail) = match turn.last {
        LastAttempt::GaveUp(reason) | LastAttempt::Failed(reason) => {
            (reason, format!("it was given up before, after {attempts} attempt(s)"))
        }
        LastAttempt::Crashed | LastAttempt::None => {
            (Reason::WorkerDied, format!("the last of {attempts} attempts left no outcome"))
        }
    };
    give_up(config, storage, job, turn, attempts, Failure::permanent(reason, detail), None).await
}

/// Returns the outcome of a run whose message was unsent or forgotten meanwhile, else `None`. Such a run gets no
/// apology, and a dead letter only if it is in doubt whether its answer arrived.
async fn outcome_if_unsent(storage: &Storage, job: &Job, attempts: u32) -> Option<Outcome> {
    match storage.conversation_changes(job).await {
        Ok(changes) if changes.stage == Stage::InDoubt => {
            Some(Outcome::Dead { failure: in_doubt(), attempts })
        }
        Ok(changes) if changes.stage == Stage::Forgotten || is_forgotten(job, &changes) => {
            storage.record_or_log(job, Step::Forgotten).await;
            Some(Outcome::Forgotten)
        }
        Ok(_) | Err(_) => None,
    }
}

/// Ends a run without an answer.
async fn give_up(
    config: &Config,
    storage: &Storage,
    job: &Job,
    turn: &Turn,
    attempts: u32,
    failure: Failure,
    delivery: Option<Delivery>,
) -> Outcome {
    let (by, reason) = (Some(turn.begun), failure.reason);
    // The end of the run is recorded first. Otherwise an attempt that is still under way might continue after the dead
    // letter and the apology.
    match storage.record(job, Step::Failed { by, reason, delivery, gave_up: true, cost: None }).await {
        Ok(()) => Outcome::Dead { failure, attempts },
        Err(failure) => Outcome::Later { after: retry_pauses::first(&config.pauses), failure },
    }
}

/// Withdraws an attempt as if it had not begun, except for the cost of the run, if that changed.
pub(crate) async fn withdraw(storage: &Storage, job: &Job, turn: &Turn, cost: Option<RunCost>) {
    if turn.stage.is_over() {
        return;
    }
    storage.record_or_log(job, Step::Withdrawn { cost }).await;
    if let LastAttempt::Failed(reason) = turn.last {
        storage.record_or_log(job, failed_with(turn, reason, false, None)).await;
    }
}

/// Returns the body of a job for its dead letter, without the words of a message that was unsent or forgotten.
pub async fn dead_letter_body(storage: &Storage, job: &Job, body: &str) -> String {
    match storage.conversation_changes(job).await {
        Ok(changes) if changes.unsent || changes.is_forgotten(job) => job.without_words().encode(),
        Ok(_) | Err(_) => body.to_owned(),
    }
}

/// Records that an attempt panicked. Several jobs are then tried one by one, which shows which of them panics.
pub async fn panicked(config: &Config, storage: &Storage, jobs: &[Job]) -> MergeResult {
    for job in jobs {
        let (by, reason) = (None, Reason::Internal);
        let step = Step::Failed { by, reason, delivery: None, gave_up: false, cost: None };
        storage.record_or_log(job, step).await;
    }
    if jobs.len() > 1 {
        return MergeResult::OneByOne(jobs.len());
    }
    let failure = Failure::retryable(Reason::Internal, "the attempt panicked");
    let after = retry_pauses::between_attempts(&config.pauses, 1, &failure);
    MergeResult::Ended { merged: 0, outcome: Outcome::Later { after, failure } }
}

/// Returns the step of a failure that changes no knowledge about the pushes.
pub(crate) fn failed_with(turn: &Turn, reason: Reason, gave_up: bool, cost: Option<RunCost>) -> Step {
    Step::Failed { by: Some(turn.begun), reason, delivery: None, gave_up, cost }
}
