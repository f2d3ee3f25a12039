//! What a message carries beside its JSON, once it is fetched.

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

/// The bytes of a message's content, and the room that they take up. Never logged.
pub struct Content {
    /// The bytes.
    pub bytes: Bytes,
    /// Given back when the last of what was made of them is dropped.
    pub room: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}
