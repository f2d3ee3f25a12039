//! The port that *answer* remembers through: past messages, and how far each turn got. DynamoDB
//! implements it on AWS, SQLite on one machine; one contract suite runs against both.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use shared::job::{ConversationId, EventId, Job};

use crate::{conversation::Message, outcome::Reason};

/// Where the turn of an event stands, read consistently by [`History::begin`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Attempts begun in this run, this one included.
    pub attempts: u32,
    /// What the last attempt of this run failed with; `None` also where it left no outcome.
    pub failed: Option<Reason>,
    /// Why this run was given up, if it was: its job comes again only to be acknowledged.
    pub gave_up: Option<Reason>,
    /// How far it got.
    pub stage: Stage,
}

/// How far a turn got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// No answer is stored.
    Open,
    /// The answer is stored and not certainly delivered.
    Stored(Delivery),
    /// Every push was accepted.
    Delivered,
}

/// The stored pushes of a turn and what is known of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The exact bodies, in order.
    pub pushes: Vec<String>,
    /// How many were certainly accepted.
    pub pushed: u32,
    /// Since when the outcome of the next push is unknown; `None` if it was certainly not accepted.
    pub unknown_since: Option<Timestamp>,
}

/// LINE forgets a retry key 24 hours after its first use; after that the same push is a new one
/// (LINE, "Retry failed API requests"). A minute is kept back for the request's own way.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_mins(24 * 60 - 1);

/// Whether LINE still knows a retry key that was first used at `first`.
pub fn key_is_alive(first: Timestamp, now: Timestamp) -> bool {
    now.duration_since(first) < KEY_LIFETIME
}

impl Delivery {
    /// Whether pushing what is left cannot deliver anything twice.
    pub fn may_be_pushed(&self, now: Timestamp) -> bool {
        self.unknown_since.is_none_or(|since| key_is_alive(since, now))
    }
}

/// What [`History::store`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// This answer is stored. Nothing of it was pushed yet; from now on a crash leaves that unknown.
    Mine(Delivery),
    /// Another attempt stored one before: this is how far that one got.
    Theirs(Stage),
}

/// The two rows of a turn.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What the person wrote.
    pub question: String,
    /// What the model answered.
    pub answer: String,
}

/// A step of a turn that is written down.
#[derive(Clone, Debug)]
pub enum Step {
    /// A push that was refused is tried again from now on: its outcome is unknown until it is known.
    Pushing {
        /// Pushes certainly accepted.
        pushed: u32,
    },
    /// Every push was accepted. The bodies are forgotten.
    Delivered,
    /// The attempt failed.
    Failed {
        /// With what.
        reason: Reason,
        /// What is known of the pushes, if the answer was stored.
        delivery: Option<Delivery>,
        /// Whether it was the run's last.
        gave_up: bool,
    },
    /// The attempt was given back and does not count.
    Withdrawn,
}

/// Remembers conversations and turns. All times are handed in as `now`.
#[async_trait]
pub trait History: Send + Sync {
    /// Counts one more attempt of this job's run and returns where its turn stands, as one atomic,
    /// durable step. A turn that was delivered is not counted further.
    async fn begin(&self, job: &Job, now: Timestamp) -> Result<Turn, HistoryError>;

    /// The newest `limit` messages of the conversation that have not expired, oldest first. It holds
    /// every turn whose [`Self::store`] returned before this call, as far as `limit` reaches.
    async fn load(
        &self,
        of: &ConversationId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Message>, HistoryError>;

    /// Stores the answer: both rows (none for an answer that is not part of the conversation), the
    /// pushes and the turn's stage, all or nothing. Where the turn had an answer already, that one
    /// stays.
    async fn store(
        &self,
        job: &Job,
        exchange: Option<Exchange>,
        pushes: Vec<String>,
        now: Timestamp,
    ) -> Result<Kept, HistoryError>;

    /// Writes down a step, durably. All but [`Step::Withdrawn`] may be written twice.
    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError>;

    /// Marks that the user is told that there will be no answer, and returns when that was marked
    /// first. `None`, and no mark, where the answer or a part of it may have arrived.
    async fn tell(&self, job: &Job, now: Timestamp) -> Result<Option<Timestamp>, HistoryError>;
}

/// The history could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the history did not {doing}")]
pub struct HistoryError {
    /// Which of the methods failed.
    pub doing: &'static str,
    /// Whether trying again can help.
    pub passing: bool,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// The id of a message row: a UUIDv5 of event and role.
pub fn row_id(event: &EventId, role: crate::conversation::Role) -> uuid::Uuid {
    event.derive(role.as_str())
}
