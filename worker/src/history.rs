//! The port that *answer* remembers through: past messages, how far each turn got, and what must be
//! forgotten. DynamoDB implements it on AWS, SQLite on one machine; one contract suite runs against both.

use async_trait::async_trait;
use jiff::Timestamp;
use shared::job::{ConversationId, EventId, Job, MessageId};

mod results;
mod snapshot;
mod tokens;

pub use results::{Step, StoreResult, Turn};
pub use snapshot::{
    Answer, ConversationChanges, Edit, Exchange, Forget, Limit, Period, Question, Seen, Snapshot,
    SnapshotScope, TurnRef, Unanswered, Usage, UsageDelta, WindowStart,
};
pub use tokens::{Tokens, Used};

pub use crate::rules::{
    forget_marker::ForgetMarker,
    stage::{Delivery, LastAttempt, PushProgress, PushState, RunCost, SendMethod, Stage, key_is_alive},
};

/// How long it is remembered that a message was taken back, that a conversation was forgotten, and what
/// was used up: as long as a turn's state, after which no job can come any more.
pub const REMEMBERED: jiff::SignedDuration = jiff::SignedDuration::from_hours(60 * 24);

/// How long the words of a changed message are kept for its answer.
pub const EDIT_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Remembers conversations and turns. All times are handed in as `now`.
#[async_trait]
pub trait History: Send + Sync {
    /// Counts one more attempt of this job's run and returns where its turn stands, as one atomic,
    /// durable step. A turn that is over is not counted further.
    async fn begin(&self, job: &Job, now: Timestamp) -> Result<Turn, HistoryError>;

    /// The state of the conversation when a turn begins. Its messages are those that have not expired and were not
    /// forgotten: every turn whose [`Self::store`] returned before this call, as far as the limit reaches,
    /// and none that [`Self::forget`] took before it. All else is read consistently.
    async fn load(&self, job: &Job, scope: SnapshotScope, now: Timestamp) -> Result<Snapshot, HistoryError>;

    /// The changes to the job's message, its turn and its conversation meanwhile, read consistently.
    async fn conversation_changes(
        &self,
        job: &Job,
        now: Timestamp,
    ) -> Result<ConversationChanges, HistoryError>;

    /// Stores the answer: its rows, its pushes, the stages of its turns and what was used up, all or
    /// nothing. Where the turn had an answer already, that one stays. An error where another attempt has begun since. An answer that is part of the
    /// conversation is stored only while none of its messages was taken back and the marker is the one that
    /// [`Self::load`] saw: a worker that was thought dead brings nothing back.  See
    /// [`ForgetMarker::fit`]. What is said in a group is
    /// stored only while its message was not changed since, nor answered by another turn.
    async fn store(
        &self,
        job: &Job,
        answer: Answer,
        seen: Option<ForgetMarker>,
        now: Timestamp,
    ) -> Result<StoreResult, HistoryError>;

    /// Forgets, durably. It may be done twice, and what is not there is no error. The answers of what is
    /// forgotten that were stored and not delivered shall not be pushed any more. Where a message was
    /// answered together with others and certainly nothing of that arrived, the turn of the answer is open
    /// again, for the others; where nobody knows, it is [`Stage::InDoubt`].
    async fn forget(&self, of: &ConversationId, what: Forget, now: Timestamp) -> Result<(), HistoryError>;

    /// Keeps the persona that was chosen by a message of `said_at`; with `None` there is none any more.
    async fn choose(
        &self,
        of: &ConversationId,
        persona: Option<String>,
        said_at: Option<i64>,
    ) -> Result<(), HistoryError>;

    /// Keeps what a message of a group says now, unless a later change is kept, it was answered, or it was
    /// taken back. The words go when it is answered or forgotten, and after a day.
    async fn edit(
        &self,
        of: &ConversationId,
        message: &MessageId,
        edit: Edit,
        now: Timestamp,
    ) -> Result<(), HistoryError>;

    /// Remembers that these messages are the bot's own: who quotes one speaks to it.
    async fn remember_own(&self, messages: &[MessageId], now: Timestamp) -> Result<(), HistoryError>;

    /// Writes down a step, durably. All but [`Step::Withdrawn`] may be written twice.
    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError>;

    /// Marks that the user is told that there will be no answer, and returns when that was marked
    /// first. `None`, and no mark, where the answer or a part of it may have arrived. A `question` that is
    /// handed in is kept until the conversation goes on or is forgotten, so that it can be asked again.
    async fn mark_notified(
        &self,
        job: &Job,
        question: Option<&Question>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, HistoryError>;
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
pub fn row_id(event: &EventId, role: crate::rules::conversation::Role) -> uuid::Uuid {
    event.derive(role.as_str())
}
