//! The adapters of stage two, which use the network: LINE and the model over HTTP, DynamoDB and SQS on AWS.

pub mod http;
pub mod line;
pub mod openai;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod dynamodb;
#[cfg(feature = "aws")]
pub mod sqs;
