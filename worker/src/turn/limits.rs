//! What the queue's side tells an attempt: how long it may take, when it must stop, and who waits.

use std::pin::Pin;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The limits of one attempt.
pub struct Limits {
    /// When it must be over.
    pub deadline: Instant,
    /// Cancelled when the process stops: the attempt is then handed back.
    pub stop: CancellationToken,
    /// Whether no other attempt would be lost if this one ended the process. Only then is a poison candidate attempted.
    pub is_alone: bool,
    /// Asks whether a later message of the conversation is seen to wait.
    pub is_followed: IsFollowed,
}

/// See [`Limits::is_followed`].
pub type IsFollowed = Box<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;
