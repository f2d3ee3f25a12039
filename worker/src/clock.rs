//! The clock that an attempt is handed. Tests hand down their own.

use std::sync::Arc;

use jiff::Timestamp;

/// The wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The real one, for the wiring to hand down.
#[expect(clippy::disallowed_methods, reason = "here the clock comes from")]
pub fn wall_clock() -> Clock {
    Arc::new(Timestamp::now)
}
