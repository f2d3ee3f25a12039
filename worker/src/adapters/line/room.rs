//! How much content is held at once.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// The bytes of all content that is held at once, in KiB. A picture is held about three times while it
/// is asked about, and a function has 256 MiB.
const ROOM_KIB: usize = 32 << 10;

/// The room that there is for content.
#[derive(Clone)]
pub(super) struct Room(pub(super) Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_KIB)))
    }
}
