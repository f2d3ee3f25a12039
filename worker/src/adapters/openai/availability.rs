//! Whether a model is available. A model that fails again and again rests for a while, if another one can answer.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// The failures in a row after which a model rests.
const FAILURES_MAX: u32 = 3;
/// The time for which a model rests.
const REST: Duration = Duration::from_mins(1);

/// The availability of a model in this process: the number of calls in a row in which it was unavailable, and the time
/// of the last one.
#[derive(Default)]
pub(crate) struct Availability(Mutex<(u32, Option<Instant>)>);

impl Availability {
    /// Counts a call in which the model was available or not.
    pub(crate) fn count_call(&self, is_available: bool, now: Instant) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = if is_available { (0, None) } else { (failures.0.saturating_add(1), Some(now)) };
    }

    /// Whether the model was unavailable so often and so recently that it is not called.
    pub(crate) fn rests(&self, now: Instant) -> bool {
        let (failures, last) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures >= FAILURES_MAX && last.is_some_and(|last| now.duration_since(last) < REST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_rests_for_a_minute_after_three_failures_in_a_row() {
        let (availability, now) = (Availability::default(), Instant::now());
        for is_available in [false, false, true, false, false] {
            availability.count_call(is_available, now);
            assert!(!availability.rests(now));
        }
        availability.count_call(false, now);
        assert!(availability.rests(now) && availability.rests(now + REST / 2));
        assert!(!availability.rests(now + REST), "it is called again");
        availability.count_call(false, now + REST);
        assert!(availability.rests(now + REST), "one more failure is enough");
        availability.count_call(true, now + REST);
        assert!(!availability.rests(now + REST));
    }
}
