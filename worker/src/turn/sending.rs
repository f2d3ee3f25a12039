//! A stored answer that is being sent, and the knowledge about it when the attempt runs out of time.

use shared::job::MessageId;

use super::attempt_error::{AttemptError, out_of_time};
use crate::{
    failure::Reason,
    history::{Delivery, PushState},
};

/// A stored answer that is being sent.
pub(crate) struct Sending {
    /// The parts and the knowledge about them.
    pub(crate) delivery: Delivery,
    /// Whether a request that sends a part is under way.
    pub(crate) is_trying: bool,
    /// The ids of the messages that LINE accepted in this attempt.
    pub(crate) own: Vec<MessageId>,
}

impl Sending {
    /// Returns the failure of an attempt that is out of time: the outcome of a request that is under way is unknown,
    /// and a part that this attempt has not tried yet has certainly not arrived.
    pub(crate) fn out_of_time(mut self) -> AttemptError {
        let mut failure = out_of_time();
        if self.is_trying {
            self.delivery.state = self.delivery.state.after_unknown_outcome();
        }
        match self.delivery.state {
            PushState::Unknown { .. } => failure.reason = Reason::DeliveryUnknown,
            PushState::Untried { .. } => self.delivery.state = PushState::Refused,
            PushState::Refused => {}
        }
        AttemptError { failure, delivery: Some(self.delivery) }
    }
}
