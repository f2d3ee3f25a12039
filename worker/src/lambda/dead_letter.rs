//! The letter of a job that is given up, and the line that says so.

use std::{ops::ControlFlow, time::Duration};

use shared::{job::EventId, logging, traces};
use tracing::error;

use super::{batch::Function, receive_pause::pause, record::Record};
use crate::{adapters::sqs::DeadLetter, failure::Failure};

impl Function {
    /// Writes the letter with this for its job; done once it is safe.
    pub(super) async fn bury(
        &self,
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
            failed_at: (self.worker.clock)(),
        };
        if let Err(unsafe_) = traces::step("dead letter", self.queue.bury(&letter)).await {
            error!(event = %event, error = %logging::chain(&unsafe_), "the dead-letter queue did not take a letter");
            return ControlFlow::Break(pause(self.worker.first_pause(), record.receives));
        }
        error!(
            event = %event, conversation = record.group, attempts,
            reason = failure.reason.as_str(), detail = failure.detail, "dead-lettered"
        );
        ControlFlow::Continue(())
    }
}
