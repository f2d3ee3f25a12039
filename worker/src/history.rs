//! The port through which *answer* remembers past messages, the stage of each turn, and the data that must be
//! forgotten. DynamoDB implements it on AWS, SQLite on one machine; one contract suite runs against both.

use async_trait::async_trait;
use jiff::Timestamp;
use shared::job::{ConversationId, EventId, Job, MessageId};

mod results;
mod snapshot;
mod used;

pub use results::{Step, StoreResult, Turn};
pub use snapshot::{
    Answer, ConversationChanges, Edit, Exchange, Forget, Limit, Period, Question, Seen, Snapshot,
    SnapshotScope, TurnRef, Unanswered, Usage, UsageDelta, WindowStart,
};
pub use used::{Used, UsedFallback};

pub use shared::prices::Tokens;

pub use crate::rules::{
    forget_marker::ForgetMarker,
    stage::{Delivery, LastAttempt, PushProgress, PushState, RunCost, SendMethod, Stage, key_is_alive},
};

/// The time for which the history remembers that a message was unsent, that a conversation was forgotten, and the
/// usage. A turn's state is kept for the same time, and after it no job can come any more.
pub const REMEMBERED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(60 * 24);

/// The time for which the words of an edited message are kept for its answer.
pub const EDIT_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// The store of conversations and turns. The caller passes the time to each method as `now`.
#[async_trait]
pub trait History: Send + Sync {
    /// Counts one more attempt of this job's run and returns the state of its turn, as one atomic, durable step. For a
    /// turn that is over, no more attempts are counted.
    async fn begin(&self, job: &Job, now: Timestamp) -> Result<Turn, HistoryError>;

    /// Returns the state of the conversation when a turn begins. Its messages are those that have not expired and were
    /// not forgotten: those of every turn whose [`Self::store`] returned before this call, up to the limit, and none
    /// that [`Self::forget`] deleted before it. Everything else is read consistently.
    async fn load(&self, job: &Job, scope: SnapshotScope, now: Timestamp) -> Result<Snapshot, HistoryError>;

    /// Returns the changes to the job's message, its turn and its conversation since the job was queued. They are read
    /// consistently.
    async fn conversation_changes(
        &self,
        job: &Job,
        now: Timestamp,
    ) -> Result<ConversationChanges, HistoryError>;

    /// Stores the answer: its rows, its pushes, the stages of its turns and the usage, all or nothing. If the turn
    /// already had an answer, that answer stays. Returns an error if another attempt has begun since. An answer that is
    /// part of the conversation is stored only while none of its messages was unsent and the marker is the one that
    /// [`Self::load`] returned, so that a worker that was thought dead restores nothing. See [`ForgetMarker::fit`]. In
    /// a group, an answer is stored only while its message was not edited since, and was not answered by another turn.
    async fn store(
        &self,
        job: &Job,
        answer: Answer,
        seen: Option<ForgetMarker>,
        now: Timestamp,
    ) -> Result<StoreResult, HistoryError>;

    /// Forgets, durably. It may be called twice, and missing data is no error. Forgotten answers that were stored and
    /// not delivered are not pushed any more. If a message was answered together with others and certainly nothing of
    /// the answer arrived, the turn of the answer is open again, for the others. If nobody knows whether it arrived,
    /// the turn is [`Stage::InDoubt`].
    async fn forget(&self, of: &ConversationId, what: Forget, now: Timestamp) -> Result<(), HistoryError>;

    /// Keeps the persona that was chosen by a message of `said_at`; `None` removes the persona.
    async fn choose(
        &self,
        of: &ConversationId,
        persona: Option<String>,
        said_at: Option<i64>,
    ) -> Result<(), HistoryError>;

    /// Keeps the current words of a group's message, unless a later edit is known, or the message was unsent. The words
    /// are deleted when the message is answered or forgotten, and after a day. If the message is answered, the words
    /// replace those of its question in the conversation, and the answer stays; an edit without words forgets both.
    /// Nothing that is forgotten comes back.
    async fn edit(
        &self,
        of: &ConversationId,
        message: &MessageId,
        edit: Edit,
        now: Timestamp,
    ) -> Result<(), HistoryError>;

    /// Remembers that these messages are the bot's own: a person who quotes one of them speaks to the bot.
    async fn remember_own(&self, messages: &[MessageId], now: Timestamp) -> Result<(), HistoryError>;

    /// Records a step, durably. All steps except [`Step::Withdrawn`] may be recorded twice.
    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError>;

    /// Marks that the user is notified that there will be no answer, and returns the time of the first mark. Returns
    /// `None`, and marks nothing, if the answer or a part of it may have arrived. If there is a `question`, it is kept
    /// until the conversation continues or is forgotten, so that it can be asked again.
    async fn mark_notified(
        &self,
        job: &Job,
        question: Option<&Question>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, HistoryError>;
}

/// The error if the history could not be read or written.
#[derive(Debug, thiserror::Error)]
#[error("the history did not {doing}")]
pub struct HistoryError {
    /// The method that failed.
    pub doing: &'static str,
    /// Whether another try can help.
    pub passing: bool,
    /// The cause of the error.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Returns the id of a message row: a UUIDv5 of event and role.
pub fn row_id(event: &EventId, role: crate::rules::conversation::Role) -> uuid::Uuid {
    event.derive(role.as_str())
}
