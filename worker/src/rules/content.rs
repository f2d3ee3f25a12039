//! The content of a message that is not in its JSON, such as an image, after it is fetched.

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

/// The bytes of a message's content, with the permit for the memory that they use. They are never logged.
pub struct Content {
    /// The bytes.
    pub bytes: Bytes,
    /// The permit for the memory. It is given back when the last value that was made from the content is dropped.
    pub room: OwnedSemaphorePermit,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.bytes.len())
    }
}
