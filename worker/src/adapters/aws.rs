//! What an AWS service says when it does not do what was asked. Only codes and request ids are kept: its
//! messages can quote what was sent.

use aws_sdk_dynamodb::{
    error::{ProvideErrorMetadata, SdkError},
    operation::RequestId,
};

/// Codes below 500 that pass by themselves (AWS: "Error handling with DynamoDB", "Common errors").
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

/// Not done.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The service refused.
    #[error("AWS answered {code}, status {status}, request {request}")]
    Refused {
        /// The error's code.
        code: String,
        /// The HTTP status.
        status: u16,
        /// AWS's name of the request.
        request: String,
    },
    /// No answer came, or none that can be read.
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
