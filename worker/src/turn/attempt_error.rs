//! The failure of an attempt, with its knowledge about the pushes.

use crate::{
    failure::{Failure, Reason},
    history::Delivery,
};

/// The error of an attempt that did not end in an answer.
pub(crate) struct AttemptError {
    pub(crate) failure: Failure,
    /// The knowledge about the pushes, if that changed.
    pub(crate) delivery: Option<Delivery>,
}

impl From<Failure> for AttemptError {
    fn from(failure: Failure) -> Self {
        Self { failure, delivery: None }
    }
}

/// Returns the failure of a turn in doubt: the answer may have arrived before one of its questions was unsent. An
/// operator must know that.
pub(crate) fn in_doubt() -> Failure {
    let detail = "a message that it answered was taken back, and nobody knows whether the answer had arrived";
    Failure::permanent(Reason::DeliveryUnknown, detail)
}

/// Returns the failure of a message that was unsent before its answer arrived, although its turn holds the answer to
/// others.
pub(crate) fn unsent_but_others_unanswered() -> Failure {
    let detail = "LINE did not take its answer to several messages, and then it was taken back";
    Failure::permanent(Reason::LineRejected, detail)
}

/// Returns the failure of an attempt that reached its deadline.
pub(crate) fn out_of_time() -> Failure {
    Failure::retryable(Reason::Internal, "the attempt ran out of time")
}
