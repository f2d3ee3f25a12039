//! The unsent mark: the row of an unsent message. It has no words.

use aws_sdk_dynamodb::types::{ConditionCheck, TransactWriteItem};
use shared::job::MessageId;

use super::{conflict::Part, error::DynamoError, item::key, table::DynamoHistory};

/// Returns the row's key.
pub(super) fn id(message_id: &MessageId) -> String {
    format!("unsent#{message_id}")
}

impl DynamoHistory {
    /// Builds the check that a message has no unsent mark.
    pub(super) fn not_unsent(
        &self,
        message_id: &MessageId,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(key(id(message_id))))
            .condition_expression("attribute_not_exists(id)")
            .build()?;
        Ok((Part::NotUnsent, TransactWriteItem::builder().condition_check(check).build()))
    }
}
