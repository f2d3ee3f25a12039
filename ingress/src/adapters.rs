//! Stage one's way to AWS.

pub mod sqs;
