//! A message from the event source, with the names that the batch uses.

use aws_lambda_events::sqs::SqsMessage;

/// One message of the batch.
pub(super) struct Record {
    pub(super) id: String,
    pub(super) receipt: String,
    pub(super) group: String,
    pub(super) deduplication_id: Option<String>,
    pub(super) body: String,
    /// The number of times that SQS has delivered the message, including this one. SQS calls it approximate.
    pub(super) receives: u32,
    /// The trace header of the sender.
    pub(super) trace: Option<String>,
}

impl From<SqsMessage> for Record {
    fn from(mut message: SqsMessage) -> Self {
        let id = message.message_id.unwrap_or_default();
        Self {
            receipt: message.receipt_handle.unwrap_or_default(),
            // A message without a group, as from a queue that is not FIFO, is a group of its own.
            group: message.attributes.remove("MessageGroupId").unwrap_or_else(|| id.clone()),
            deduplication_id: message.attributes.remove("MessageDeduplicationId"),
            trace: message.attributes.remove("AWSTraceHeader"),
            receives: message
                .attributes
                .remove("ApproximateReceiveCount")
                .and_then(|count| count.parse().ok())
                .unwrap_or(1),
            body: message.body.unwrap_or_default(),
            id,
        }
    }
}
