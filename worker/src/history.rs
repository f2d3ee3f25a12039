//! The port through which *answer* remembers past messages, the stage of each turn, and the data that must be
//! forgotten. DynamoDB implements it on AWS, SQLite on one machine; one contract suite runs against both.

use async_trait::async_trait;
use jiff::Timestamp;
use shared::job::{ConversationId, Job, MessageId};

mod error;
mod quote;
mod results;
mod retention;
mod snapshot;
mod used;

pub use error::HistoryError;
pub use quote::{QUOTABLE_ROWS, Quote, Quoted, QuotedWords};
pub use results::{Step, StoreResult, Turn};
pub use retention::{EDIT_KEPT, REMEMBERED_FOR};
pub use snapshot::{
    Answer, ConversationChanges, Edit, Exchange, Forget, Limit, Period, Question, Seen, Snapshot,
    SnapshotScope, TurnRef, Unanswered, Usage, UsageDelta, WindowStart, row_id,
};
pub use used::{Used, UsedFallback};

pub use shared::prices::Tokens;

pub use crate::rules::{
    forget_marker::ForgetMarker,
    pause::{Pause, PauseChange},
    stage::{Delivery, LastAttempt, PushProgress, PushState, RunCost, SendMethod, Stage, key_is_alive},
};

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
    /// part of the conversation is stored only while no pause stops it, none of its messages was unsent, and the marker
    /// is that of [`Self::load`] ([`ForgetMarker::fit`]), so that a worker that was thought dead restores nothing. It is
    /// drafted anew if words that it was made with by a quote were unsent ([`Answer::quoted_from`]). In a group, an
    /// answer is stored only while its message was not edited since, and was not answered by another turn.
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

    /// Changes the pause of a private chat, durably, by [`Pause::following`], and returns it.
    async fn pause(
        &self,
        of: &ConversationId,
        change: PauseChange,
        now: Timestamp,
    ) -> Result<Option<Pause>, HistoryError>;

    /// Keeps the current words of a group's message, unless a later edit is known, or the message was unsent. They are
    /// deleted when the message is answered or forgotten, and after a day. If it is answered, the words replace its
    /// question in the conversation, and the answer stays; an edit without words forgets both.
    async fn edit(
        &self,
        of: &ConversationId,
        message: &MessageId,
        edit: Edit,
        now: Timestamp,
    ) -> Result<(), HistoryError>;

    /// Returns the message that a question quotes, with its words if they are among the newest [`QUOTABLE_ROWS`] rows
    /// of the conversation, or are its unanswered question. Returns no words that were forgotten or unsent before this
    /// call, or that have expired. Returns `None` if the question of [`Quote::In`] quotes nothing.
    async fn quoted(
        &self,
        of: &ConversationId,
        quote: &Quote,
        now: Timestamp,
    ) -> Result<Option<Quoted>, HistoryError>;

    /// Remembers that these messages are the bot's own: a person who quotes one of them speaks to the bot.
    async fn remember_own(&self, messages: &[MessageId], now: Timestamp) -> Result<(), HistoryError>;

    /// Records a step, durably. All steps except [`Step::Withdrawn`] may be recorded twice.
    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError>;

    /// Notes that the conversation's newest answer waits for another month: see [`Snapshot::answer_waits`]. The note goes
    /// when a redrive records that the answer is delivered.
    async fn note_waiting(&self, job: &Job, now: Timestamp) -> Result<(), HistoryError>;

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
