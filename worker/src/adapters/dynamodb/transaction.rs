//! Several rows at once, all or nothing, and which of them was not as expected.

use std::{fmt, time::Duration};

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, Delete, Put, TransactWriteItem, Update, builders::UpdateBuilder},
};

use super::{DynamoError, DynamoHistory, Head, Item, head, key, s};
use crate::retry_loop::retry;

/// How often a transaction is tried that conflicts, and a batch that was done in part.
const TRIES: u32 = 6;
/// The pause before the second try, growing with each further one.
const PAUSE: Duration = Duration::from_millis(20);

/// What a row of a transaction is for, and so what it means when it is not as expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A new message row.
    Message,
    /// The turn row.
    Turn,
    /// The row of another turn that is answered with it.
    OtherTurn,
    /// The head row, as it was read.
    Head,
    /// That the message was not taken back.
    NotUnsent,
    /// That a group's message was not changed, nor answered by another turn.
    Said,
    /// The user's usage.
    Usage,
    /// A row that has no condition.
    Any,
}

/// The rows of a transaction.
pub(super) type Rows = Vec<(Part, TransactWriteItem)>;

/// The reasons why a transaction was cancelled: rows that were not as expected, or another transaction at the same rows.
/// Nothing of it is written.
pub(super) struct Conflict(Vec<(Part, CancellationReason)>);

impl Conflict {
    /// The reason of a part that was not as expected.
    pub(super) fn of(&self, part: Part) -> Option<&CancellationReason> {
        let is_it = |(of, reason): &&(Part, CancellationReason)| *of == part && reason.code() == Some(UNMET);
        self.0.iter().find(is_it).map(|(_, reason)| reason)
    }
}

/// Only the codes: the reasons have rows with people's words.
impl fmt::Debug for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, reason)| code(reason))).finish()
    }
}

fn code(reason: &CancellationReason) -> String {
    reason.code().unwrap_or("None").to_owned()
}

impl DynamoHistory {
    /// Writes all of these rows or none.
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

    /// A row to put.
    pub(super) fn put(&self, item: Item) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        Put::builder().table_name(&self.table).set_item(Some(item))
    }

    /// A row to update.
    pub(super) fn update(&self, id: impl Into<String>) -> UpdateBuilder {
        Update::builder().table_name(&self.table).set_key(Some(key(id)))
    }

    /// A row to delete.
    pub(super) fn delete(&self, id: impl Into<String>) -> Result<(Part, TransactWriteItem), BuildError> {
        let delete = Delete::builder().table_name(&self.table).set_key(Some(key(id))).build()?;
        Ok((Part::Any, TransactWriteItem::builder().delete(delete).build()))
    }

    /// The head row as it is to be, if it still is as it was read.
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

/// The pause after so many tries, or the error of the last one.
pub(super) fn pause(tries: u32, error: DynamoError) -> Result<Duration, DynamoError> {
    if tries + 1 == TRIES {
        return Err(error);
    }
    Ok(PAUSE.mul_f64(f64::from(tries) + fastrand::f64()))
}

const UNMET: &str = "ConditionalCheckFailed";
