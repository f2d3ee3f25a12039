//! Carries out the disposition of a job: its message is done, or SQS delivers it again after a pause.

use std::{ops::ControlFlow, time::Duration};

use shared::{
    event::log,
    job::{EventId, Job, JobError},
};

use super::{dead_letter, receive_pause::pause, record::Record, setup::Setup};
use crate::{
    failure::{Failure, Reason},
    outcome::{Disposition, Outcome},
    retry_pauses,
    turn::{apology::apologise, give_up::dead_letter_body},
};

/// Carries out the disposition of a job. Returns `Continue` if its message is done, or the pause before it comes again.
pub(super) async fn carry_out(
    setup: &Setup,
    record: &Record,
    job: &Job,
    outcome: &Outcome,
) -> ControlFlow<Duration> {
    match outcome.disposition() {
        Disposition::Ack => ControlFlow::Continue(()),
        Disposition::HandBack { after } => ControlFlow::Break(after),
        Disposition::RunAlone { .. } => ControlFlow::Break(Duration::ZERO),
        Disposition::Retry { after, failure } => {
            log!(
                warn, RetryScheduled,
                event = %job.event_id, reason = failure.reason.as_str(), detail = failure.detail,
                after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX), "the job is tried again later"
            );
            ControlFlow::Break(after)
        }
        Disposition::NotBegun { after, failure } => {
            let after = pause(after, record.receives);
            log!(
                warn, RetryScheduled,
                event = %job.event_id, reason = failure.reason.as_str(), detail = failure.detail,
                receives = record.receives,
                after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX), "the job is tried again later"
            );
            ControlFlow::Break(after)
        }
        Disposition::DeadLetter { failure, attempts } => {
            let body = dead_letter_body(&setup.clients.storage, job, &record.body).await;
            dead_letter::write(setup, record, &body, &job.event_id, failure, attempts).await?;
            apologise(&setup.clients, job, failure.reason).await;
            ControlFlow::Continue(())
        }
    }
}

/// Handles a body that this build cannot read as a job: a newer job waits, and any other body becomes a dead letter.
pub(super) async fn unreadable(setup: &Setup, record: &Record, error: &JobError) -> ControlFlow<Duration> {
    if let JobError::Newer(version) = error {
        log!(
            warn,
            NewerJob,
            message_id = record.id,
            version,
            "a newer version wrote this job: it waits for a worker of that version"
        );
        let first = retry_pauses::first(&setup.clients.config.pauses);
        return ControlFlow::Break(pause(first, record.receives));
    }
    let event = EventId::of_event(record.deduplication_id.as_deref(), None, record.body.as_bytes());
    let failure = Failure::permanent(Reason::JobUnreadable, error.to_string());
    dead_letter::write(setup, record, &record.body, &event, &failure, 0).await
}
