//! The receive pause: the pause of a message that no worker could begin, because the table or the dead-letter queue
//! does not answer, or because a newer build wrote it. No attempt is counted, so the number of receives shows how long
//! this has lasted. Pure.
//!
//! SQS gives up a message after `maxReceiveCount` receives (cdk/lib/queue.ts). A fault that ends before that loses
//! nothing. A pause is a small part of the time that has passed, so that nobody waits long after the fault.

use std::time::Duration;

/// The longest pause, as a multiple of the first one: with it, a thousand receives last about seven days.
const LONGEST: u32 = 60;

/// Returns the pause after this receive: `first` after the first receive, twice that after the second, and so on.
pub(super) fn pause(first: Duration, receives: u32) -> Duration {
    first * receives.clamp(1, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry_pauses::Pauses;

    const HOUR: Duration = Duration::from_hours(1);

    /// Returns the time from the first receive to this one.
    fn waited(receives: u32) -> Duration {
        let first = Pauses::default().between[0];
        (1..receives).map(|receive| pause(first, receive)).sum()
    }

    #[test]
    fn a_thousand_receives_last_longer_than_an_outage_and_not_as_long_as_the_queue_keeps_a_message() {
        let all = waited(1_000);
        // Jitter adds up to a tenth, and each receive may take a whole invocation.
        let longest = all.mul_f64(1.1) + 1_000 * Duration::from_mins(5);
        assert!(12 * HOUR < all && longest < 14 * 24 * HOUR, "{all:?} to {longest:?}");
    }

    #[test]
    fn a_pause_is_a_small_part_of_what_has_passed_and_ten_minutes_at_most() {
        for (receives, pause_s) in [(0, 10), (1, 10), (2, 20), (6, 60), (60, 600), (61, 600), (u32::MAX, 600)]
        {
            assert_eq!(pause(Duration::from_secs(10), receives).as_secs(), pause_s, "{receives}");
        }
        // Half an hour takes about twenty receives. With a fixed pause it would take more than a hundred.
        let receives = (1..1_000).find(|receives| waited(*receives) >= HOUR / 2);
        assert_eq!(receives, Some(20));
        assert!(pause(Duration::from_secs(10), 20) <= HOUR / 2 / 9);
    }
}
