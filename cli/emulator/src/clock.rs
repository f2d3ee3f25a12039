//! The type of the wall clock, which is passed as a parameter.

use std::sync::Arc;

use jiff::Timestamp;

/// A function that returns the current time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
