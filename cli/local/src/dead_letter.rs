//! A dead letter as operators see it, wherever it is kept. Pure.

use jiff::Timestamp;
use serde::Serialize;
use shared::job::{Job, JobError, JobKind};
use worker::history::Stage;

/// The state of an event that has a letter, which decides what a redrive would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum State {
    /// No answer is stored: a redrive asks the model
    Unanswered,
    /// An answer is stored: a redrive only pushes it
    Answered,
    /// The user has it: there is nothing to do
    Delivered,
    /// Its message was taken back, or its conversation forgotten: there is nothing to do
    Forgotten,
    /// An answer is stored, and LINE's memory of its pushes is over: pushing risks a second delivery
    DeliveryUnknown,
}

impl State {
    /// Returns the state that a turn's stage means now.
    pub fn of(stage: &Stage, now: Timestamp) -> Self {
        match stage {
            Stage::Open => Self::Unanswered,
            Stage::Delivered => Self::Delivered,
            Stage::Forgotten => Self::Forgotten,
            Stage::Stored(delivery) if delivery.may_be_pushed(now) => Self::Answered,
            Stage::Stored(_) | Stage::InDoubt => Self::DeliveryUnknown,
        }
    }

    /// Returns the reason why there is nothing to do any more, if there is one.
    pub fn over(self) -> Option<&'static str> {
        match self {
            Self::Delivered => Some("it was delivered"),
            Self::Forgotten => Some("it was forgotten"),
            Self::Unanswered | Self::Answered | Self::DeliveryUnknown => None,
        }
    }
}

/// One event that was given up. If it has several letters, they are shown as one. The output contains nothing that
/// people wrote.
#[derive(Clone, Debug, Serialize)]
pub struct DeadLetter {
    /// The id of its newest letter.
    pub id: String,
    /// The key of its turn.
    pub event: String,
    /// The job's group in the queue.
    pub conversation: String,
    /// The reason why it was given up.
    pub reason: String,
    /// One line of detail.
    pub detail: String,
    /// The number of attempts begun.
    pub attempts: u32,
    /// The time when it was given up, in RFC 3339.
    pub failed_at: Timestamp,
    /// The state of its turn.
    pub state: State,
    /// The job, which has people's own words.
    #[serde(skip)]
    pub body: String,
    /// The letters of this event that SQS holds for this process now.
    #[serde(skip)]
    pub held: Vec<Held>,
}

/// A letter that SQS hides from everybody else for a moment.
#[derive(Clone, Debug)]
pub struct Held {
    /// The `MessageId` of the letter.
    pub message_id: String,
    /// The receipt that deletes it.
    pub receipt: String,
}

impl DeadLetter {
    /// Whether this is its name: its id, or the id of its event.
    pub fn is(&self, name: &str) -> bool {
        self.id == name || self.event == name
    }

    /// Decodes the job, or returns the reason why this build cannot read it.
    pub fn job(&self) -> Result<Job, JobError> {
        Job::decode(&self.body)
    }

    /// Whether it belongs to this user, group or room. A job that cannot be read is known only by its group.
    pub fn is_of(&self, conversation: &str) -> bool {
        self.conversation == conversation
            || self.job().is_ok_and(|job| job.conversation.as_str() == conversation)
    }

    /// Describes for people what a redrive would do.
    pub fn redrive_would(&self) -> &'static str {
        match (self.job(), self.state) {
            (_, State::Delivered) => "delivered: nothing to do",
            (_, State::Forgotten) => "forgotten: nothing to do",
            (Err(_), _) => "not a job that this henji can read",
            (Ok(Job { kind: JobKind::Unsend { .. } | JobKind::Unfollow, .. }), _) => {
                "a deletion: carries it out"
            }
            (Ok(Job { kind: JobKind::Follow { .. } | JobKind::Join | JobKind::NotUnderstood, .. }), _) => {
                "no question: asks no model"
            }
            (Ok(Job { kind: JobKind::Edited { .. }, .. }), _) => "a change of a message: keeps the new words",
            (_, State::Unanswered) => "unanswered: asks the model",
            (_, State::Answered) => "answered, not delivered: only pushes",
            (_, State::DeliveryUnknown) => {
                "delivery unknown, and LINE no longer remembers the push: would risk a second delivery"
            }
        }
    }
}
