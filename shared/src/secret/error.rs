//! Why there is no secret.

/// The source did not say: a fault that passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret could not be read")]
pub struct NotRead;
