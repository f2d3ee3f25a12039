//! Writes the dead letter of a job that is given up, and logs it.

use std::{ops::ControlFlow, time::Duration};

use shared::{event::log, job::EventId, logging, traces};

use super::{receive_pause::pause, record::Record, setup::Setup};
use crate::{adapters::sqs::DeadLetter, failure::Failure, retry_pauses};

/// Writes a dead letter with this body. Returns `Continue` when it is safe, or the pause before it is tried again.
pub(super) async fn write(
    setup: &Setup,
    record: &Record,
    body: &str,
    event: &EventId,
    failure: &Failure,
    attempts: u32,
) -> ControlFlow<Duration> {
    let letter = DeadLetter {
        event,
        conversation: &record.group,
        message_id: &record.id,
        body,
        failure,
        attempts,
        failed_at: setup.clients.storage.now(),
    };
    if let Err(not_safe) = traces::step("dead letter", setup.queue.dead_letter(&letter)).await {
        log!(error, DeadLetterFailed, event = %event, error = %logging::chain(&not_safe), "the dead-letter queue did not take a dead letter: it is tried again");
        let first = retry_pauses::first(&setup.clients.config.pauses);
        return ControlFlow::Break(pause(first, record.receives));
    }
    log!(
        error, DeadLettered,
        event = %event, conversation = record.group, attempts,
        reason = failure.reason.as_str(), detail = failure.detail, "the job is dead-lettered"
    );
    ControlFlow::Continue(())
}
