//! The limit for content that is held at once.

use std::{
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most content that is held at once, in KiB. An image is held about three times while the model is asked about it,
/// and a function has 256 MiB.
const ROOM_KIB: usize = 32 << 10;
/// The room for all media of one question, in KiB.
const QUESTION_KIB: u32 = 16 << 10;

/// The free room for content.
#[derive(Clone)]
pub(super) struct ContentBudget(Arc<Semaphore>);

impl Default for ContentBudget {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM_KIB)))
    }
}

impl ContentBudget {
    /// Waits for room of this size.
    pub(super) async fn room(&self, size_kib: u32) -> OwnedSemaphorePermit {
        match self.0.clone().acquire_many_owned(size_kib).await {
            Ok(room) => room,
            // This budget is never closed.
            Err(_) => pending().await,
        }
    }

    /// Waits for the room for all media of one question.
    pub(super) async fn room_of_question(&self) -> QuestionRoom {
        QuestionRoom(Mutex::new(self.room(QUESTION_KIB).await))
    }
}

/// The room for all media of one question. It is taken at once, so that questions which hold a part of their media do not
/// wait for each other. The part that nothing needs is given back when this is dropped.
pub struct QuestionRoom(Mutex<OwnedSemaphorePermit>);

impl QuestionRoom {
    /// Returns the number of bytes for which there is room.
    pub(super) fn left(&self) -> usize {
        self.locked().num_permits() << 10
    }

    /// Takes this much of the room; `None` if less is left.
    pub(super) fn take(&self, size_kib: u32) -> Option<OwnedSemaphorePermit> {
        self.locked().split(size_kib as usize)
    }

    /// Takes room back that is not needed.
    pub(super) fn give_back(&self, room: OwnedSemaphorePermit) {
        self.locked().merge(room);
    }

    fn locked(&self) -> MutexGuard<'_, OwnedSemaphorePermit> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
