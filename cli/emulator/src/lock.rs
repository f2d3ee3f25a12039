//! Locks that stay usable after a holder has panicked.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes a lock, also if a holder has panicked.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
