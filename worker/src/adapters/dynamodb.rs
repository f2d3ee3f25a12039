//! The history on DynamoDB. It uses the article's table, and adds kinds of rows without `lineUserId`, so that the
//! table's index never shows them.
//!
//! - The turn row `turn#{event}` keeps how far a turn got. One conditional update counts the attempt and reads the row
//!   consistently (`turn`).
//! - The head row `head#{conversation}` names the newest turns, because the index is only eventually consistent. The
//!   head is read with strong consistency beside the index. It also has the chat's pause (`pause`). Rows that the head names and the index does not show yet
//!   are fetched by key. Rows that the index still shows and the head knows as forgotten are left out (`load`, `head`,
//!   `index`, `message_row`).
//! - `unsent#{message}`, `usage#{user}#{period}`, `settings#{conversation}` and `unanswered#{conversation}`
//!   are read with the head, by the same call (`batch_get`).
//! - The turn row also keeps the ids of the messages as which its answer was sent, so that a quoted answer is found
//!   (`quoted`).
//! - For groups there are `said#{message}`, `edited#{conversation}` and `own#{message}` (`group`).
//!
//! One transaction over all of these rows stores an answer (`store`, `transaction`, `conflict`). `forget` deletes rows.
//! `table` is the table itself, and `item` has the attributes of its rows.

use async_trait::async_trait;
use jiff::Timestamp;
use shared::job::{ConversationId, Job, MessageId};

use crate::history::{
    Answer, ConversationChanges, Edit, Forget, ForgetMarker, History, HistoryError, Pause, PauseChange,
    Question, Quote, Quoted, Snapshot, SnapshotScope, Step, StoreResult, Turn,
};

mod asked;
mod batch_get;
mod batch_write;
mod change_pause;
mod conflict;
mod doctor_checks;
mod error;
mod forget;
mod group;
mod head;
mod index;
mod item;
mod load;
mod message_row;
mod operator_view;
mod pause;
mod quoted;
mod step;
mod store;
mod table;
mod transaction;
mod turn;
mod unanswered;
mod unsent;
mod usage;

use error::failed;

pub use operator_view::TurnView;
pub use table::DynamoHistory;

#[async_trait]
impl History for DynamoHistory {
    async fn begin(&self, job: &Job, now: Timestamp) -> Result<Turn, HistoryError> {
        self.count_attempt(job, now).await.map_err(failed("begin a turn"))
    }

    async fn load(&self, job: &Job, scope: SnapshotScope, now: Timestamp) -> Result<Snapshot, HistoryError> {
        self.snapshot(job, scope, now).await.map_err(failed("load a conversation"))
    }

    async fn conversation_changes(
        &self,
        job: &Job,
        now: Timestamp,
    ) -> Result<ConversationChanges, HistoryError> {
        self.changes(job, now).await.map_err(failed("load what changed"))
    }

    async fn store(
        &self,
        job: &Job,
        answer: Answer,
        seen: Option<ForgetMarker>,
        now: Timestamp,
    ) -> Result<StoreResult, HistoryError> {
        self.store_answer(job, answer, seen, now).await.map_err(failed("store an answer"))
    }

    async fn forget(&self, of: &ConversationId, what: Forget, now: Timestamp) -> Result<(), HistoryError> {
        let forgotten = match what {
            Forget::Messages(until) => self.forget_conversation(of, until, false, now).await,
            Forget::Everything(until) => self.forget_conversation(of, until, true, now).await,
            Forget::Message(message_id) => self.forget_message(of, &message_id, now).await,
        };
        forgotten.map_err(failed("forget"))
    }

    async fn choose(
        &self,
        of: &ConversationId,
        persona: Option<String>,
        said_at: Option<i64>,
    ) -> Result<(), HistoryError> {
        self.keep_persona(of, persona, said_at).await.map_err(failed("keep a persona"))
    }

    async fn pause(
        &self,
        of: &ConversationId,
        change: PauseChange,
        now: Timestamp,
    ) -> Result<Option<Pause>, HistoryError> {
        self.change_pause(of, change, now).await.map_err(failed("pause a chat"))
    }

    async fn edit(
        &self,
        of: &ConversationId,
        message: &MessageId,
        edit: Edit,
        now: Timestamp,
    ) -> Result<(), HistoryError> {
        self.keep_edit(of, message, &edit, now).await.map_err(failed("keep a change"))
    }

    async fn quoted(
        &self,
        of: &ConversationId,
        quote: &Quote,
        now: Timestamp,
    ) -> Result<Option<Quoted>, HistoryError> {
        self.find_quoted(of, quote, now).await.map_err(failed("find a quoted message"))
    }

    async fn remember_own(&self, messages: &[MessageId], now: Timestamp) -> Result<(), HistoryError> {
        self.keep_own(messages, now).await.map_err(failed("remember messages"))
    }

    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError> {
        // Only a redrive delivers an answer that waited. The note goes first, so that no crash leaves it.
        if job.run.is_some() && matches!(step, Step::Delivered { .. }) {
            self.forget_waiting(job).await.map_err(failed("record a step"))?;
        }
        self.write(job, step, now).await.map_err(failed("record a step"))
    }

    async fn note_waiting(&self, job: &Job, now: Timestamp) -> Result<(), HistoryError> {
        self.keep_waiting(job, now).await.map_err(failed("note that an answer waits"))
    }

    async fn mark_notified(
        &self,
        job: &Job,
        question: Option<&Question>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, HistoryError> {
        self.set_notified(job, question, now).await.map_err(failed("mark who is told"))
    }
}
