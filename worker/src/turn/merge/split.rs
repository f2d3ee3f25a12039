//! Jobs that got no answer together: all are tried together again, or each by itself.

use std::time::Duration;

use jiff::Timestamp;
use shared::job::Job;
use tracing::info;

use super::super::{
    give_up::{not_begun, withdraw},
    time_budget::Attempt,
};
use crate::{
    config::Config,
    failure::{Failure, Reason, RetryPolicy},
    history::{RunCost, Step, Turn},
    outcome::Outcome,
    retry_pauses::between_attempts,
    storage::Storage,
};

/// The outcome of an attempt at one job, or at several that wait behind each other.
#[derive(Debug)]
pub enum MergeResult {
    /// So many at the front are to be answered one by one.
    OneByOne(usize),
    /// So many at the front are answered by the one behind them, and this is its outcome.
    Ended {
        /// How many.
        merged: usize,
        /// The outcome of the next one.
        outcome: Outcome,
    },
}

/// The reason why jobs are not answered together.
pub(super) enum NotMerged {
    /// One of them needs an attempt of its own.
    NotPlain,
    /// The attempt failed.
    Failed(Failure),
    /// The process stops.
    Stopped,
}

impl MergeResult {
    /// Leaves the one line that every attempt at these jobs leaves; none where none was made.
    pub fn log(&self, jobs: &[Job], began: Timestamp, ended: Timestamp) {
        let Self::Ended { merged, outcome } = self else { return };
        for (index, job) in jobs.iter().enumerate() {
            let outcome = if index < *merged { &Outcome::Merged } else { outcome };
            outcome.log(job, began, ended);
        }
    }
}

/// Records what the attempt came to, and decides whether they are tried together again.
pub(super) async fn split(
    config: &Config,
    storage: &Storage,
    jobs: &[Job],
    turns: &[Turn],
    not_merged: NotMerged,
    attempt: &Attempt<'_>,
) -> MergeResult {
    let ended = |outcome| MergeResult::Ended { merged: 0, outcome };
    let not_merged = match not_merged {
        NotMerged::Failed(failure) if turns.is_empty() => return ended(not_begun(config, failure)),
        not_merged => not_merged,
    };
    let attempts = turns.iter().map(|turn| turn.attempts).max().unwrap_or(1);
    let (failed, pause) = match &not_merged {
        NotMerged::Failed(failure) if matches!(failure.retry, RetryPolicy::Retry(_)) => {
            (Some(failure.reason), between_attempts(&config.pauses, attempts, failure))
        }
        NotMerged::Failed(failure) => (Some(failure.reason), Duration::ZERO),
        NotMerged::NotPlain | NotMerged::Stopped => (None, Duration::ZERO),
    };
    let costs: Vec<RunCost> = turns.iter().map(|turn| attempt.cost(turn, failed, pause)).collect();
    let may_go_on = |cost: RunCost| cost.has_time(config.give_up_after) && cost.may_pay();
    let each = || jobs.iter().zip(turns).zip(costs.iter().copied());
    match not_merged {
        NotMerged::Stopped => {
            for ((job, turn), cost) in each() {
                withdraw(storage, job, turn, Some(cost)).await;
            }
            return ended(Outcome::GivenBack);
        }
        NotMerged::Failed(failure)
            if matches!(failure.retry, RetryPolicy::Retry(_)) && each().all(|(_, cost)| may_go_on(cost)) =>
        {
            for ((job, _), cost) in each() {
                storage.record_end(job, failed_with(failure.reason, false, Some(cost))).await;
            }
            return ended(Outcome::Later { after: pause, failure });
        }
        NotMerged::Failed(Failure { reason, detail, .. }) => {
            info!(event = %jobs[0].event_id, reason = reason.as_str(), detail, "not answered together");
        }
        NotMerged::NotPlain => {}
    }
    for ((job, turn), cost) in each() {
        match failed.filter(|_| !may_go_on(cost)) {
            // Its own attempt finds it given up, and tells its user.
            Some(reason) => storage.record_end(job, failed_with(reason, true, Some(cost))).await,
            // There is no pause before it is asked by itself.
            None => withdraw(storage, job, turn, Some(attempt.cost(turn, failed, Duration::ZERO))).await,
        }
    }
    info!(event = %jobs[0].event_id, begun = turns.len(), "they are answered one by one");
    MergeResult::OneByOne(turns.len().max(1))
}

/// Records that an attempt panicked. Several jobs are tried one by one, which shows whose fault it was.
pub async fn panicked(config: &Config, storage: &Storage, jobs: &[Job]) -> MergeResult {
    for job in jobs {
        storage.record_end(job, failed_with(Reason::Internal, false, None)).await;
    }
    if jobs.len() > 1 {
        return MergeResult::OneByOne(jobs.len());
    }
    let failure = Failure::passing(Reason::Internal, "the attempt panicked");
    let after = between_attempts(&config.pauses, 1, &failure);
    MergeResult::Ended { merged: 0, outcome: Outcome::Later { after, failure } }
}

fn failed_with(reason: Reason, gave_up: bool, cost: Option<RunCost>) -> Step {
    Step::Failed { reason, delivery: None, gave_up, cost }
}
