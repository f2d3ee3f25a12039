//! A message as the event source hands it over, with the names that the batch goes by.

use aws_lambda_events::sqs::SqsMessage;

/// One message of the batch.
pub(super) struct Record {
    pub(super) id: String,
    pub(super) receipt: String,
    pub(super) group: String,
    pub(super) deduplication_id: Option<String>,
    pub(super) body: String,
    /// How often SQS has handed it over, this time included. SQS calls it approximate.
    pub(super) receives: u32,
    /// The trace of who sent it.
    pub(super) trace: Option<String>,
}

impl From<SqsMessage> for Record {
    fn from(mut message: SqsMessage) -> Self {
        let id = message.message_id.unwrap_or_default();
        Self {
            receipt: message.receipt_handle.unwrap_or_default(),
            // Without a group, as in no FIFO queue, each message stands alone.
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
