//! The adapters of stage one for AWS.

pub mod sqs;
