//! The end of an attempt that could not begin and is not counted.

use crate::{config::Config, failure::Failure, outcome::Outcome, retry_pauses};

/// Hands back a job whose attempt could not begin.
pub(crate) fn not_begun(config: &Config, failure: Failure) -> Outcome {
    Outcome::NotBegun { after: retry_pauses::first(&config.pauses), failure }
}
