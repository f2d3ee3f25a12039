//! The worker's side of the queue: heartbeats, hand-backs, acknowledgements, and dead letters.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client,
    error::BuildError,
    types::{
        BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
        MessageAttributeValue,
    },
};
use jiff::Timestamp;
use shared::job::EventId;

use super::aws::AwsError;
use crate::failure::Failure;

/// The most entries of one batch request.
const BATCH: usize = 10;
/// The longest time for which a message can be hidden. SQS hides a message for at most twelve hours after it was
/// received, of which an invocation takes up to fifteen minutes (AWS: `ChangeMessageVisibility`).
const HIDDEN_MAX: Duration = Duration::from_mins(11 * 60 + 40);

/// The queue of jobs and its dead-letter queue.
pub struct Queue {
    client: Client,
    url: String,
    dlq_url: String,
}

/// A job that is given up.
pub struct DeadLetter<'a> {
    /// The id of the event. It is derived if the event has none.
    pub event: &'a EventId,
    /// The message group.
    pub conversation: &'a str,
    /// The `MessageId` of the job.
    pub message_id: &'a str,
    /// The job's body, unchanged.
    pub body: &'a str,
    /// The failure for which the job is given up.
    pub failure: &'a Failure,
    /// The number of attempts begun.
    pub attempts: u32,
    /// The time when the job is given up.
    pub failed_at: Timestamp,
}

/// The reason why SQS did not carry out a request, or not for every message.
#[derive(Debug, thiserror::Error)]
pub enum SqsError {
    /// SQS refused the request, or did not answer.
    #[error("SQS did not carry out the request")]
    Aws(#[from] AwsError),
    /// SQS refused some messages of a batch, with these codes.
    #[error("SQS refused some messages of a batch: {0:?}")]
    Partly(Vec<String>),
    /// The SDK did not accept the request.
    #[error("the request cannot be made")]
    Request(#[from] BuildError),
}

impl Queue {
    /// Makes a client for both queues.
    pub fn new(config: &SdkConfig, url: &str, dlq_url: &str) -> Self {
        Self { client: Client::new(config), url: url.to_owned(), dlq_url: dlq_url.to_owned() }
    }

    /// Acknowledges the messages of these receipts.
    pub async fn delete(&self, receipts: &[&str]) -> Result<(), SqsError> {
        for chunk in receipts.chunks(BATCH) {
            let entry = |(index, receipt): (usize, &&str)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(*receipt)
                    .build()
            };
            let entries = chunk.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
            let request = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
            let done = request.send().await.map_err(AwsError::from)?;
            check_no_failures(done.failed())?;
        }
        Ok(())
    }

    /// Sets the visibility timeout of these messages, counted from now on.
    pub async fn change_visibility(&self, receipts: &[&str], for_: Duration) -> Result<(), SqsError> {
        let seconds = for_.min(HIDDEN_MAX).as_secs_f64().ceil();
        #[expect(clippy::cast_possible_truncation, reason = "at most HIDDEN_MAX")]
        let seconds = seconds as i32;
        for chunk in receipts.chunks(BATCH) {
            let entry = |(index, receipt): (usize, &&str)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(*receipt)
                    .visibility_timeout(seconds)
                    .build()
            };
            let entries = chunk.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
            let request = self.client.change_message_visibility_batch().queue_url(&self.url);
            let done = request.set_entries(Some(entries)).send().await.map_err(AwsError::from)?;
            check_no_failures(done.failed())?;
        }
        Ok(())
    }

    /// Puts a letter into the dead-letter queue. `Ok` means that it is safe there. A dead letter that is sent twice is
    /// kept once.
    pub async fn dead_letter(&self, letter: &DeadLetter<'_>) -> Result<(), SqsError> {
        let DeadLetter { event, message_id, failure, .. } = letter;
        let text =
            |value: &str| MessageAttributeValue::builder().data_type("String").string_value(value).build();
        let attempts =
            MessageAttributeValue::builder().data_type("Number").string_value(letter.attempts.to_string());
        self.client
            .send_message()
            .queue_url(&self.dlq_url)
            .message_body(letter.body)
            .message_group_id(letter.conversation)
            .message_deduplication_id(format!("{event}:{message_id}"))
            .message_attributes("Reason", text(failure.reason.as_str())?)
            .message_attributes("Detail", text(&one_line(&failure.detail))?)
            .message_attributes("Attempts", attempts.build()?)
            .message_attributes("FailedAt", text(&letter.failed_at.to_string())?)
            .send()
            .await
            .map_err(AwsError::from)?;
        Ok(())
    }
}

fn check_no_failures(failed: &[BatchResultErrorEntry]) -> Result<(), SqsError> {
    if failed.is_empty() {
        return Ok(());
    }
    Err(SqsError::Partly(failed.iter().map(|entry| entry.code().to_owned()).collect()))
}

/// Returns a detail in the form of an attribute: one line, and not empty. SQS refuses most control characters.
fn one_line(detail: &str) -> String {
    let line = detail.replace(char::is_control, " ");
    if line.trim().is_empty() { "no detail".to_owned() } else { line }
}
