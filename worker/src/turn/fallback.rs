//! The rules for the second model, which is asked if the first is unavailable.

use tokio::time::Instant;

use crate::{
    config::FALLBACK_TIME,
    failure::{Failure, Reason},
};

/// Returns the deadline of the first model, if both must have answered by `deadline`.
pub(super) fn deadline_of_first(deadline: Instant) -> Instant {
    let left = deadline.saturating_duration_since(Instant::now());
    deadline - FALLBACK_TIME.min(left / 2)
}

/// Whether another model may answer what this one did not. A refusal, a wrong request or a wrong key is no such case.
pub(super) fn is_unavailable(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::ModelUnavailable | Reason::ModelGone)
}
