//! Lines that strangers can cause as often as they like: one of them in a while is logged, so that nobody
//! fills the disk.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How often such a line is logged at most.
const EVERY: Duration = Duration::from_mins(1);

/// Counts what is logged once in a while.
#[derive(Default)]
pub struct Sampled(Mutex<State>);

#[derive(Default)]
struct State {
    logged_at: Option<Instant>,
    unlogged: u64,
}

impl Sampled {
    /// Nothing was counted yet.
    pub const fn new() -> Self {
        Self(Mutex::new(State { logged_at: None, unlogged: 0 }))
    }

    /// Counts one more. Where a line is due, it stands for this one and all since the line before: their
    /// number.
    pub fn count(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.unlogged += 1;
        if state.logged_at.is_some_and(|at| now.saturating_duration_since(at) < EVERY) {
            return None;
        }
        state.logged_at = Some(now);
        Some(std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_logged_and_then_one_a_minute_with_the_number_of_all() {
        let (sampled, start) = (Sampled::new(), Instant::now());
        let logged = [0, 1, 59, 60, 61, 119, 180].map(|s| sampled.count(start + Duration::from_secs(s)));
        assert_eq!(logged, [Some(1), None, None, Some(3), None, None, Some(3)]);
    }
}
