//! The clock of an attempt. Tests pass a clock of their own.

use std::sync::Arc;

use jiff::Timestamp;

/// The function that returns the current time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Returns the real clock, which the wiring passes on.
#[expect(clippy::disallowed_methods, reason = "this is the source of the clock")]
pub fn wall_clock() -> Clock {
    Arc::new(Timestamp::now)
}
