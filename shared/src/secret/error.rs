//! The error if a secret cannot be read.

/// The source did not give the secret. The fault is temporary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret could not be read")]
pub struct NotRead;
