//! The limit for content that is held at once.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// The most content that is held at once, in KiB. An image is held about three times while the model is asked about it,
/// and a function has 256 MiB.
const ROOM_KIB: usize = 32 << 10;

/// The free room for content.
#[derive(Clone)]
pub(super) struct ContentBudget(pub(super) Arc<Semaphore>);

impl Default for ContentBudget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_KIB)))
    }
}
