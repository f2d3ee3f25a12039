//! Lines that strangers can cause as often as they like. Only one of them is logged in each period, so that nobody
//! fills the disk.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The shortest time between two such lines in the log.
const EVERY: Duration = Duration::from_mins(1);

/// A counter of lines that are logged only once in each period.
#[derive(Default)]
pub struct LimitedLog(Mutex<State>);

#[derive(Default)]
struct State {
    logged_at: Option<Instant>,
    unlogged: u64,
}

impl LimitedLog {
    /// Makes a counter that has counted nothing yet.
    pub const fn new() -> Self {
        Self(Mutex::new(State { logged_at: None, unlogged: 0 }))
    }

    /// Counts one more line. If a line must be logged now, returns the number of lines since the one that was logged
    /// before, this one included.
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
        let (sampled, start) = (LimitedLog::new(), Instant::now());
        let logged = [0, 1, 59, 60, 61, 119, 180].map(|s| sampled.count(start + Duration::from_secs(s)));
        assert_eq!(logged, [Some(1), None, None, Some(3), None, None, Some(3)]);
    }
}
