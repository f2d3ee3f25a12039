//! The disposition of jobs, which follows from the outcome of their attempt.

use std::time::Duration;

use shared::{event::log, job::Job};
use worker::{
    clients::Clients,
    failure::Failure,
    outcome::{Disposition, Outcome},
    turn::{apology::apologise, give_up::dead_letter_body},
};

use crate::sqlite::{
    DatabaseError,
    dead_letters::DeadLetters,
    queue::{Claimed, SqliteQueue},
};

/// The jobs of an attempt that has ended.
pub(super) struct Ended {
    /// The jobs that are answered together with `claimed`, by their `seq`.
    pub(super) merged: Vec<i64>,
    /// The job that the outcome belongs to.
    pub(super) claimed: Claimed,
    /// The same job, if it can be read.
    pub(super) job: Option<Job>,
    /// The outcome of the attempt.
    pub(super) outcome: Outcome,
}

/// Carries out the disposition of the jobs. This may be done twice.
pub(super) async fn carry_out(
    queue: &SqliteQueue,
    letters: &DeadLetters,
    clients: &Clients,
    Ended { merged, claimed, job, outcome }: &Ended,
) -> Result<(), DatabaseError> {
    let Claimed { seq, event_id, conversation, received, .. } = claimed;
    let mut was_unsent = matches!(outcome, Outcome::Forgotten);
    match outcome.disposition() {
        Disposition::Ack => {}
        Disposition::HandBack { after } => return queue.hand_back_uncounted(merged, *seq, after).await,
        Disposition::RunAlone { .. } => return queue.hand_back(merged, *seq, Duration::ZERO).await,
        // On one machine, no queue gives up a job for the number of its receives.
        Disposition::Retry { after, failure } | Disposition::NotBegun { after, failure } => {
            let Failure { reason, detail, .. } = failure;
            let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            log!(
                warn,
                RetryScheduled,
                event = event_id,
                reason = reason.as_str(),
                detail,
                received,
                after_ms,
                "the job is tried again later"
            );
            return queue.hand_back(merged, *seq, after).await;
        }
        Disposition::DeadLetter { failure, attempts } => {
            let body = match job {
                Some(job) => dead_letter_body(&clients.storage, job, &claimed.body).await,
                None => claimed.body.clone(),
            };
            letters.write(claimed, body, failure, attempts).await?;
            let Failure { reason, detail, .. } = failure;
            log!(
                error,
                DeadLettered,
                event = event_id,
                conversation,
                attempts,
                reason = reason.as_str(),
                detail,
                "the job is dead-lettered"
            );
            if let Some(job) = job {
                apologise(clients, job, failure.reason).await;
                let body = dead_letter_body(&clients.storage, job, &claimed.body).await;
                was_unsent = body != claimed.body;
                if was_unsent {
                    // The job may have been forgotten just before the letter was written.
                    letters.write(claimed, body, failure, attempts).await?;
                }
            }
        }
    }
    queue.finish(merged, *seq, conversation).await?;
    if was_unsent {
        // The words of the deleted job must not stay in the write-ahead log.
        queue.truncate_log_soon().await;
    }
    Ok(())
}
