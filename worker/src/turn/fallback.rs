//! The rules for the second model, which is asked if the first is unavailable.

use std::time::Duration;

use shared::event::log;
use tokio::time::Instant;

use super::time_budget::RESERVE_MAX;
use crate::{
    config::Config,
    failure::{Failure, Reason},
};

/// The time at the end of an attempt that is kept for the second model. If both models together have less than twice
/// this time, the second one gets half of it.
const TIME: Duration = Duration::from_mins(1);
/// The shortest attempt that gives each of two models this time, beside what is reserved for storing and sending.
pub const ATTEMPT_MIN: Duration = Duration::from_secs(2 * TIME.as_secs() + RESERVE_MAX.as_secs());

/// Whether an attempt of this length is too short to ask two models.
pub fn is_too_short(config: &Config, attempt: Duration) -> bool {
    config.fallback.is_some() && attempt < ATTEMPT_MIN
}

/// Logs a warning if an attempt of this length is too short to ask two models.
pub fn warn_if_too_short(config: &Config, attempt: Duration) {
    if is_too_short(config, attempt) {
        let (seconds, least) = (attempt.as_secs(), ATTEMPT_MIN.as_secs());
        log!(
            warn,
            FallbackTimeShort,
            seconds,
            "an attempt is too short for two models: FALLBACK_MODEL needs {least} s"
        );
    }
}

/// Returns the deadline of the first model, if both must have answered by `deadline`.
pub(super) fn deadline_of_first(deadline: Instant) -> Instant {
    let left = deadline.saturating_duration_since(Instant::now());
    deadline - TIME.min(left / 2)
}

/// Whether another model may answer what this one did not. A refusal, a wrong request or a wrong key is no such case.
pub(super) fn is_unavailable(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::ModelUnavailable | Reason::ModelGone)
}
