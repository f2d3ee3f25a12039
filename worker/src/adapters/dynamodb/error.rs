//! The reasons why the table was not read or written, and whether another try can help.

use aws_sdk_dynamodb::{
    error::{BuildError, SdkError},
    operation::update_item::UpdateItemError,
};

use super::{conflict::Conflict, item::Item};
use crate::{adapters::aws::AwsError, history::HistoryError};

/// The codes of reasons for a cancelled transaction that pass by themselves (AWS: `TransactWriteItems`).
const PASSING: [&str; 5] = [
    "None",
    "ConditionalCheckFailed",
    "TransactionConflict",
    "ProvisionedThroughputExceeded",
    "ThrottlingError",
];

/// The reason why a request to DynamoDB has failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum DynamoError {
    /// DynamoDB refused the request, or did not answer.
    #[error("DynamoDB")]
    Aws(#[source] AwsError),
    /// A transaction was cancelled for these reasons, one for each row.
    #[error("DynamoDB cancelled the transaction: {0:?}")]
    Cancelled(Vec<String>),
    /// A transaction conflicted with others, or rows were not as expected.
    #[error("DynamoDB cancelled the transaction: {0:?}")]
    Conflict(Conflict),
    /// DynamoDB answered a batch only in part, at every try.
    #[error("DynamoDB left {0} rows unread")]
    Unprocessed(usize),
    /// The SDK did not accept the request.
    #[error("the request cannot be made")]
    Request(#[from] BuildError),
    /// Another attempt has begun at the turn.
    #[error("another attempt has begun")]
    Overtaken,
    /// The event has message rows and no turn row, because it was answered long ago.
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

/// Returns the row as it was, if the only error is that a condition failed.
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

/// Returns a function that makes the `HistoryError` of an operation.
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
