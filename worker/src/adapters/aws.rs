//! The error of a request to an AWS service. It keeps only codes and request ids, because AWS's messages can quote the
//! data that was sent.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};

/// The codes of errors that have a status below 500 and pass by themselves (AWS: "Error handling with DynamoDB",
/// "Common errors").
const PASSING: [&str; 9] = [
    "ExpiredTokenException",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// The reason why a request to AWS has failed.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The service refused the request.
    #[error("AWS answered {code}, status {status}, request {request}")]
    Refused {
        /// The error's code.
        code: String,
        /// The HTTP status.
        status: u16,
        /// The request id of AWS.
        request: String,
    },
    /// No answer came, or an answer that cannot be read.
    #[error("AWS did not answer")]
    Silent(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl AwsError {
    /// Whether trying again can help.
    pub fn passes(&self) -> bool {
        match self {
            Self::Refused { code, status, .. } => *status >= 500 || PASSING.contains(&code.as_str()),
            Self::Silent(_) => true,
        }
    }
}

impl<E> From<SdkError<E>> for AwsError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E>) -> Self {
        let SdkError::ServiceError(refused) = &error else { return Self::Silent(error.into()) };
        Self::Refused {
            code: refused.err().code().unwrap_or("no code").to_owned(),
            status: refused.raw().status().as_u16(),
            request: error.request_id().unwrap_or("unknown").to_owned(),
        }
    }
}
