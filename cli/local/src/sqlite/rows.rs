//! Times and durations as columns have them: in milliseconds.

use std::time::Duration;

use jiff::Timestamp;

/// Converts a duration to the milliseconds of a column.
pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Converts the milliseconds of a column to a time.
pub(super) fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or_default()
}
