//! The limits that the queue's side sets for an attempt: its deadline, its stop, and whether others wait or would be
//! lost.

use std::pin::Pin;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The limits of one attempt.
pub struct Limits {
    /// The time when the attempt must be over.
    pub deadline: Instant,
    /// The token that is cancelled when the process stops: the attempt is then handed back.
    pub stop: CancellationToken,
    /// Whether no other attempt would be lost if this one ended the process. A poison candidate is attempted only then.
    pub is_alone: bool,
    /// The function that asks whether a later message of the conversation waits.
    pub has_later_message: HasLaterMessage,
}

/// The type of [`Limits::has_later_message`].
pub type HasLaterMessage = Box<dyn Fn() -> Pin<Box<dyn Future<Output = bool> + Send>> + Send + Sync>;
