//! The failure of an attempt, with what it knows of the pushes.

use crate::{
    failure::{Failure, Reason},
    history::Delivery,
};

/// An attempt that did not end in an answer.
pub(crate) struct AttemptError {
    pub(crate) failure: Failure,
    /// What is known of the pushes, if that changed.
    pub(crate) delivery: Option<Delivery>,
}

impl From<Failure> for AttemptError {
    fn from(failure: Failure) -> Self {
        Self { failure, delivery: None }
    }
}

/// An answer may have arrived before a part of what it answers was taken back: an operator is to know.
pub(crate) fn in_doubt() -> Failure {
    let detail = "a message that it answered was taken back, and nobody knows whether the answer had arrived";
    Failure::lasting(Reason::DeliveryUnknown, detail)
}

/// The message whose turn holds the answer to others was taken back before that answer arrived.
pub(crate) fn others_unanswered() -> Failure {
    let detail = "LINE did not take its answer to several messages, and then it was taken back";
    Failure::lasting(Reason::LineRejected, detail)
}

/// The attempt reached its deadline.
pub(crate) fn out_of_time() -> Failure {
    Failure::passing(Reason::Internal, "the attempt ran out of time")
}
