//! Times and durations as columns have them: in milliseconds.

use std::time::Duration;

use jiff::Timestamp;

/// A duration as a column has it.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// The time of a column.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}
