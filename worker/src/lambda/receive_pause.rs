//! The pause of a message that no worker could begin: the table or the dead-letter queue does not answer, or a newer
//! build wrote it. No attempt is counted anywhere, so the number of receives says how long this has lasted. Pure.
//!
//! SQS gives a message up after `maxReceiveCount` receives (cdk/lib/queue.ts), which is then the longest fault
//! that loses nothing. A pause is a small part of the time that has passed, so that nobody waits long after the fault.

use std::time::Duration;

/// The longest pause, in first ones: with it a thousand receives last some seven days.
const LONGEST: u32 = 60;

/// The pause after this receive, where the first one is `first`: twice that after the second, and so on.
pub(super) fn pause(first: Duration, receives: u32) -> Duration {
    first * receives.clamp(1, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry_pauses::Pauses;

    const HOUR: Duration = Duration::from_hours(1);

    /// The time from the first receive to this one.
    fn waited(receives: u32) -> Duration {
        let first = Pauses::default().between[0];
        (1..receives).map(|receive| pause(first, receive)).sum()
    }

    #[test]
    fn a_thousand_receives_last_longer_than_an_outage_and_not_as_long_as_the_queue_keeps_a_message() {
        let all = waited(1_000);
        // Up to a tenth more by jitter, and each receive may take a whole invocation.
        let longest = all.mul_f64(1.1) + 1_000 * Duration::from_mins(5);
        assert!(12 * HOUR < all && longest < 14 * 24 * HOUR, "{all:?} to {longest:?}");
    }

    #[test]
    fn a_pause_is_a_small_part_of_what_has_passed_and_ten_minutes_at_most() {
        for (receives, pause_s) in [(0, 10), (1, 10), (2, 20), (6, 60), (60, 600), (61, 600), (u32::MAX, 600)]
        {
            assert_eq!(pause(Duration::from_secs(10), receives).as_secs(), pause_s, "{receives}");
        }
        // Half an hour is some twenty receives, not the hundred and more of a fixed pause.
        let receives = (1..1_000).find(|receives| waited(*receives) >= HOUR / 2);
        assert_eq!(receives, Some(20));
        assert!(pause(Duration::from_secs(10), 20) <= HOUR / 2 / 9);
    }
}
