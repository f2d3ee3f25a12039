//! Decides about jobs that got no answer together: all are tried together again, or each by itself.

use std::time::Duration;

use shared::{event::log, job::Job};

use super::super::{
    give_up::{failed_with, withdraw},
    merge_result::MergeResult,
    not_begun::not_begun,
    time_budget::Attempt,
};
use crate::{
    config::Config,
    failure::{Failure, RetryPolicy},
    history::{RunCost, Turn},
    outcome::Outcome,
    retry_pauses::between_attempts,
    rules::waiting::has_images,
    storage::Storage,
};

/// The reason why jobs are not answered together.
pub(super) enum NotMerged {
    /// One of the jobs needs an attempt of its own.
    NeedsOwnAttempt,
    /// The last attempt at one of them left no outcome, and other jobs run beside it.
    PoisonCandidate { attempts: u32 },
    /// The attempt failed.
    Failed(Failure),
    /// The process stops.
    Stopped,
}

/// Records the end of the attempt, and decides whether the jobs are tried together again.
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
        NotMerged::NeedsOwnAttempt | NotMerged::PoisonCandidate { .. } | NotMerged::Stopped => {
            (None, Duration::ZERO)
        }
    };
    let costs: Vec<RunCost> = turns.iter().map(|turn| attempt.cost(turn, failed, pause)).collect();
    let has_attempts = !has_images(jobs) || attempts < config.max_attempts;
    let may_go_on =
        |cost: RunCost| has_attempts && cost.has_time(config.give_up_after) && cost.has_call_left();
    let open = |((_, turn), _): &((&Job, &Turn), RunCost)| !turn.stage.is_over();
    let each = || jobs.iter().zip(turns).zip(costs.iter().copied()).filter(open);
    let withdraw_all = async |outcome, counts: bool| {
        for ((job, turn), cost) in each() {
            withdraw(storage, job, turn, counts.then_some(cost)).await;
        }
        ended(outcome)
    };
    match not_merged {
        NotMerged::Stopped => return withdraw_all(Outcome::GivenBack, true).await,
        NotMerged::PoisonCandidate { attempts } => {
            return withdraw_all(Outcome::PoisonCandidate { attempts }, false).await;
        }
        NotMerged::Failed(Failure { retry: RetryPolicy::Wait(after), .. }) => {
            return withdraw_all(Outcome::NotReady { after }, false).await;
        }
        NotMerged::Failed(failure)
            if matches!(failure.retry, RetryPolicy::Retry(_)) && each().all(|(_, cost)| may_go_on(cost)) =>
        {
            for ((job, turn), cost) in each() {
                storage.record_or_log(job, failed_with(turn, failure.reason, false, Some(cost))).await;
            }
            return ended(Outcome::Later { after: pause, failure });
        }
        NotMerged::Failed(Failure { reason, detail, .. }) => {
            log!(info, NotMerged, event = %jobs[0].event_id, reason = reason.as_str(), detail, "the messages could not be answered together");
        }
        NotMerged::NeedsOwnAttempt => {}
    }
    for ((job, turn), cost) in each() {
        match failed.filter(|_| has_images(jobs) || !may_go_on(cost)) {
            // The job's own attempt finds the run given up, and ends with the apology.
            Some(reason) => storage.record_or_log(job, failed_with(turn, reason, true, Some(cost))).await,
            // The cost has no pause, because the job is tried by itself at once.
            None => withdraw(storage, job, turn, Some(attempt.cost(turn, failed, Duration::ZERO))).await,
        }
    }
    log!(info, OneByOne, event = %jobs[0].event_id, begun = turns.len(), "the messages are answered one by one");
    MergeResult::OneByOne(turns.len().max(1))
}
