//! The steps from the stored answer to the delivered one, or to the end of the turn without an answer.

use shared::{event::log, job::Job};

use super::{
    attempt_error::{AttemptError, in_doubt, unsent_but_others_unanswered},
    deliver::deliver,
    time_budget::Attempt,
};
use crate::{
    adapters::line::LineClient,
    clients::Clients,
    failure::{Failure, RetryPolicy},
    history::{Stage, Step, StoreResult, Turn},
    outcome::Outcome,
    storage::Storage,
};

/// Delivers the stored answer, and records that it is delivered.
pub(crate) async fn conclude(
    clients: &Clients,
    job: &Job,
    turn: &Turn,
    stored: StoreResult,
    attempt: &Attempt<'_>,
) -> Result<Outcome, AttemptError> {
    let Clients { storage, line, .. } = clients;
    let delivery = match stored {
        StoreResult::Stored(delivery) | StoreResult::Existing(Stage::Stored(delivery)) => delivery,
        StoreResult::Existing(Stage::InDoubt) => return Err(in_doubt().into()),
        StoreResult::Forgotten if storage.conversation_changes(job).await?.others > 0 => {
            return Err(unsent_but_others_unanswered().into());
        }
        StoreResult::Existing(Stage::Forgotten) | StoreResult::Forgotten => {
            return end_in_silence(storage, job).await;
        }
        StoreResult::Existing(Stage::Delivered) => {
            // Another turn may have delivered it, and nothing of that turn may be left when this job comes again.
            storage.record(job, Step::Delivered { own: vec![] }).await?;
            return Ok(Outcome::AlreadyAnswered);
        }
        StoreResult::Existing(Stage::Open) | StoreResult::Overtaken | StoreResult::Changed => {
            return Ok(Outcome::AlreadyAnswered);
        }
    };
    let is_silent = delivery.pushes.is_empty();
    let own = match deliver(clients, job, turn, delivery, attempt).await {
        Ok(own) => own,
        Err(error) if has_left_group(line, job, &error.failure).await => {
            storage.record(job, Step::Forgotten).await?;
            return Ok(Outcome::Forgotten);
        }
        Err(error) => return Err(error),
    };
    storage.record(job, Step::Delivered { own }).await?;
    if is_silent {
        log!(info, Silent, event = %job.event_id, conversation = %job.conversation, "the message is left without an answer");
        return Ok(Outcome::Noticed);
    }
    log!(info, Answered, event = %job.event_id, conversation = %job.conversation, "the answer is delivered");
    Ok(Outcome::Answered)
}

/// Ends the turn without an answer, because its message was unsent or its conversation was forgotten.
pub(crate) async fn end_in_silence(storage: &Storage, job: &Job) -> Result<Outcome, AttemptError> {
    storage.record(job, Step::Forgotten).await?;
    log!(info, Forgotten, event = %job.event_id, conversation = %job.conversation, "the message was taken back or forgotten");
    Ok(Outcome::Forgotten)
}

/// Whether LINE refused something because the bot is no longer in this group.
async fn has_left_group(line: &LineClient, job: &Job, failure: &Failure) -> bool {
    let may_have = failure.retry == RetryPolicy::Never && !job.is_private();
    let has_left = may_have && line.has_left(&job.conversation).await;
    if has_left {
        log!(info, LeftGroup, event = %job.event_id, conversation = %job.conversation, "the bot is no longer in this group");
    }
    has_left
}
