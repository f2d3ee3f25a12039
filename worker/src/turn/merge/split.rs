//! The outcome of jobs that wait together, and the next step where it is no answer.

use std::time::Duration;

use jiff::Timestamp;
use shared::job::Job;
use tracing::info;

use crate::{
    failure::{Failure, Reason, RetryPolicy},
    history::{LastAttempt, RunCost, Step, Turn},
    outcome::Outcome,
    turn::Worker,
    turn::time_budget::Attempt,
};

/// The outcome of jobs that wait together.
#[derive(Debug)]
pub enum MergeResult {
    /// So many at the front are to be answered one by one.
    Apart(usize),
    /// So many at the front are over, and this became of the one behind them.
    Ended {
        /// How many.
        over: usize,
        /// The outcome of the next one.
        outcome: Outcome,
    },
}

/// Why jobs are not answered together.
pub(super) enum NotMerged {
    /// For something that a single attempt will deal with.
    Apart,
    /// The attempt failed.
    Failed(Failure),
    /// The process stops.
    Stopped,
}

impl MergeResult {
    /// Leaves the one line that every attempt at these jobs leaves; none where none was made.
    pub fn log(&self, jobs: &[Job], began: Timestamp, ended: Timestamp) {
        let Self::Ended { over, outcome } = self else { return };
        for (index, job) in jobs.iter().enumerate() {
            let outcome = if index < *over { &Outcome::Merged } else { outcome };
            outcome.log(job, began, ended);
        }
    }
}

impl Worker {
    /// Tries jobs that got no answer together again, all together or each by itself.
    pub(super) async fn part(
        &self,
        jobs: &[Job],
        turns: &[Turn],
        parted: NotMerged,
        attempt: &Attempt<'_>,
    ) -> MergeResult {
        let parted = match parted {
            NotMerged::Failed(failure) if turns.is_empty() => {
                return MergeResult::Ended { over: 0, outcome: self.not_begun(failure) };
            }
            parted => parted,
        };
        let attempts = turns.iter().map(|turn| turn.attempts).max().unwrap_or(1);
        let (failed, pause) = match &parted {
            NotMerged::Failed(failure) if matches!(failure.remedy, RetryPolicy::Retry(_)) => {
                (Some(failure.reason), self.pause_between(attempts, failure))
            }
            NotMerged::Failed(failure) => (Some(failure.reason), Duration::ZERO),
            NotMerged::Apart | NotMerged::Stopped => (None, Duration::ZERO),
        };
        let costs: Vec<RunCost> = turns.iter().map(|turn| attempt.cost(turn, failed, pause)).collect();
        let may_go_on = |cost: RunCost| cost.has_time(self.config.give_up_after) && cost.may_pay();
        let each = || jobs.iter().zip(turns).zip(costs.iter().copied());
        match parted {
            NotMerged::Stopped => {
                for ((job, turn), cost) in each() {
                    self.withdraw(job, turn, Some(cost)).await;
                }
                return MergeResult::Ended { over: 0, outcome: Outcome::GivenBack };
            }
            NotMerged::Failed(failure)
                if matches!(failure.remedy, RetryPolicy::Retry(_))
                    && each().all(|(_, cost)| may_go_on(cost)) =>
            {
                for ((job, _), cost) in each() {
                    self.record(job, failed_with(failure.reason, false, Some(cost))).await;
                }
                return MergeResult::Ended { over: 0, outcome: Outcome::Later { after: pause, failure } };
            }
            NotMerged::Failed(Failure { reason, detail, .. }) => {
                info!(event = %jobs[0].event_id, reason = reason.as_str(), detail, "not answered together");
            }
            NotMerged::Apart => {}
        }
        for ((job, turn), cost) in each() {
            match failed.filter(|_| !may_go_on(cost)) {
                // Its own attempt finds it given up, and tells its user.
                Some(reason) => self.record(job, failed_with(reason, true, Some(cost))).await,
                // There is no pause before it is asked by itself.
                None => self.withdraw(job, turn, Some(attempt.cost(turn, failed, Duration::ZERO))).await,
            }
        }
        info!(event = %jobs[0].event_id, begun = turns.len(), "they are answered one by one");
        MergeResult::Apart(turns.len().max(1))
    }

    /// Records that an attempt panicked. Several jobs are tried one by one, which shows whose fault it was.
    pub async fn panicked(&self, jobs: &[Job]) -> MergeResult {
        for job in jobs {
            self.record(job, failed_with(Reason::Internal, false, None)).await;
        }
        if jobs.len() > 1 {
            return MergeResult::Apart(jobs.len());
        }
        let panicked = Failure::passing(Reason::Internal, "the attempt panicked");
        MergeResult::Ended { over: 0, outcome: self.later(1, panicked) }
    }

    /// Takes an attempt back as if it had not begun, but for what the run has cost, if that changed.
    pub(crate) async fn withdraw(&self, job: &Job, turn: &Turn, cost: Option<RunCost>) {
        if turn.stage.is_over() {
            return;
        }
        self.record(job, Step::Withdrawn { cost }).await;
        if let LastAttempt::Failed(reason) = turn.last {
            self.record(job, failed_with(reason, false, None)).await;
        }
    }
}

fn failed_with(reason: Reason, gave_up: bool, cost: Option<RunCost>) -> Step {
    Step::Failed { reason, delivery: None, gave_up, cost }
}
