//! Why the table was not read or written, and whether trying again can help.

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::update_item::UpdateItemError,
};

use super::{conflict::Conflict, item::Item};
use crate::{adapters::aws::AwsError, history::HistoryError};

/// Reasons of a cancelled transaction that pass by themselves (AWS: `TransactWriteItems`).
const PASSING: [&str; 5] = [
    "None",
    "ConditionalCheckFailed",
    "TransactionConflict",
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
];

/// Not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum DynamoError {
    /// DynamoDB refused, or said nothing.
    #[error("DynamoDB")]
    Aws(#[source] AwsError),
    /// A transaction was cancelled for these reasons, one a row.
    #[error("DynamoDB cancelled the transaction: {0:?}")]
    Cancelled(Vec<String>),
    /// A transaction conflicted with others, or rows were not as expected.
    #[error("DynamoDB cancelled the transaction: {0:?}")]
    Conflict(Conflict),
    /// A batch was answered in part only, again and again.
    #[error("DynamoDB left {0} rows unread")]
    Unprocessed(usize),
    /// The SDK did not take the request.
    #[error("the request cannot be made")]
    Request(#[from] BuildError),
    /// Another attempt has begun at the turn.
    #[error("another attempt has begun")]
    Overtaken,
    /// The rows of the event are there and its turn row is not: it was answered long ago.
    #[error("the event has message rows and no turn row")]
    Orphaned,
}

impl<E> From<SdkError<E>> for DynamoError
where
    AwsError: From<SdkError<E>>,
{
    fn from(error: SdkError<E>) -> Self {
        Self::Aws(error.into())
    }
}

/// The row as it was, if it was only a condition that failed.
pub(super) fn condition_failed(error: SdkError<UpdateItemError>) -> Result<Item, DynamoError> {
    match error {
        SdkError::ServiceError(refused) if refused.err().is_conditional_check_failed_exception() => {
            match refused.into_err() {
                UpdateItemError::ConditionalCheckFailedException(failed) => {
                    Ok(failed.item.unwrap_or_default())
                }
                _ => Ok(Item::new()),
            }
        }
        other => Err(other.into()),
    }
}

/// The error of the port.
pub(super) fn failed(doing: &'static str) -> impl FnOnce(DynamoError) -> HistoryError {
    move |source| {
        let passing = match &source {
            DynamoError::Aws(error) => error.passes(),
            DynamoError::Cancelled(codes) => codes.iter().all(|code| PASSING.contains(&code.as_str())),
            DynamoError::Conflict(_) | DynamoError::Unprocessed(_) | DynamoError::Overtaken => true,
            DynamoError::Request(_) | DynamoError::Orphaned => false,
        };
        HistoryError { doing, passing, source: source.into() }
    }
}
