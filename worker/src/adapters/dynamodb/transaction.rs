//! Transactions over several rows, all or nothing, and the rows that were not as expected.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{Delete, Put, TransactWriteItem, Update, builders::UpdateBuilder},
};

use super::{
    conflict::{Conflict, Part, UNMET, code},
    error::DynamoError,
    head::{self, Head},
    item::{Item, key, s},
    table::DynamoHistory,
};
use crate::retry_loop::retry;

/// The most tries of a transaction that conflicts, or of a batch that was done only in part.
const TRIES: u32 = 6;
/// The longest pause before the second try. It grows by as much with each further try.
const PAUSE: Duration = Duration::from_millis(20);

/// The rows of a transaction.
pub(super) type Rows = Vec<(Part, TransactWriteItem)>;

impl DynamoHistory {
    /// Writes all of these rows, or none.
    pub(super) async fn commit(&self, rows: Rows) -> Result<(), DynamoError> {
        let (parts, items): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let written = self.client.transact_write_items().set_transact_items(Some(items)).send().await;
        let reasons = match written {
            Ok(_) => return Ok(()),
            Err(SdkError::ServiceError(refused)) if refused.err().is_transaction_canceled_exception() => {
                match refused.into_err() {
                    TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                        cancelled.cancellation_reasons.unwrap_or_default()
                    }
                    _ => vec![],
                }
            }
            Err(error) => return Err(error.into()),
        };
        let codes: Vec<_> = reasons.iter().map(code).collect();
        if codes.iter().all(|code| ["None", UNMET, "TransactionConflict"].contains(&code.as_str())) {
            return Err(DynamoError::Conflict(Conflict(parts.into_iter().zip(reasons).collect())));
        }
        Err(DynamoError::Cancelled(codes))
    }

    /// Builds the put of a row.
    pub(super) fn put(&self, item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder().table_name(&self.table).set_item(Some(item))
    }

    /// Builds the update of a row.
    pub(super) fn update(&self, id: impl Into<String>) -> UpdateBuilder {
        Update::builder().table_name(&self.table).set_key(Some(key(id)))
    }

    /// Builds the deletion of a row.
    pub(super) fn delete(&self, id: impl Into<String>) -> Result<(Part, TransactWriteItem), BuildError> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key(id))).build()?;
        Ok((Part::Any, TransactWriteItem::builder().delete(delete).build()))
    }

    /// Builds the replacement of the head row, if that is still as it was read.
    pub(super) fn replace(&self, head: &Head, row: Item) -> Result<(Part, TransactWriteItem), BuildError> {
        let put = match &head.stored {
            None => self.put(row).condition_expression("attribute_not_exists(id)"),
            Some(last) => self
                .put(row)
                .condition_expression(head::UNCHANGED)
                .expression_attribute_values(":last", s(last)),
        };
        Ok((Part::Head, TransactWriteItem::builder().put(put.build()?).build()))
    }
}

/// Retries `work` while its transaction conflicts.
pub(super) async fn retried<T, F: Future<Output = Result<T, DynamoError>>>(
    work: impl FnMut() -> F,
) -> Result<T, DynamoError> {
    let pause = |tries, error| {
        if matches!(error, DynamoError::Conflict(_)) { pause(tries, error) } else { Err(error) }
    };
    retry(work, pause).await
}

/// Returns the pause after so many tries, or the error of the last one.
pub(super) fn pause(tries: u32, error: DynamoError) -> Result<Duration, DynamoError> {
    if tries + 1 == TRIES {
        return Err(error);
    }
    Ok(PAUSE.mul_f64(f64::from(tries) + fastrand::f64()))
}
