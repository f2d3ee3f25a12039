//! The history on DynamoDB: the article's table, with more kinds of rows that carry no `lineUserId`, so
//! that its index never shows them.
//!
//! - The turn row `turn#{event}` says how far a turn got. One conditional update counts the attempt and
//!   reads it consistently (`turn`).
//! - The head row `head#{conversation}` names the newest turns. The index is only eventually
//!   consistent; the head is read strongly beside it, and what it names and the index does not show yet
//!   is fetched by key, what the index still shows and it knows as forgotten is left out (`load`, `head`,
//!   `index`).
//! - `unsent#{message}`, `usage#{user}#{period}`, `settings#{conversation}` and `unanswered#{conversation}`
//!   are read with the head, by the same call (`batch_get`).
//! - Of groups there are `said#{message}`, `edited#{conversation}` and `own#{message}` (`group`).
//!
//! An answer is stored by one transaction over all of these (`store`, `transaction`); `forget` deletes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::{Client, types::AttributeValue};
use jiff::{SignedDuration, Timestamp};
use shared::job::{ConversationId, Job, MessageId};

use crate::history::{
    Answer, ConversationChanges, Edit, Forget, ForgetMarker, History, HistoryError, Question, REMEMBERED,
    Snapshot, SnapshotScope, Step, StoreResult, Turn,
};

mod batch_get;
mod error;
mod forget;
mod group;
mod head;
mod index;
mod load;
mod look;
mod step;
mod store;
mod survey;
mod transaction;
mod turn;
mod unanswered;
mod usage;

use error::{DynamoError, failed};
use head::Head;

pub use look::Looked;

/// How many heads are remembered between [`History::load`] and [`History::store`] of their turns.
/// Forgetting one costs a read.
const HEADS_MAX: usize = 64;

/// The history in a table.
pub struct DynamoHistory {
    client: Client,
    table: String,
    ttl: Option<SignedDuration>,
    /// What `load` saw, so that `store` need not read it again: its condition tells if it was too old.
    heads: Mutex<HashMap<ConversationId, Head>>,
}

/// A row as the SDK has it.
type Item = HashMap<String, AttributeValue>;

impl DynamoHistory {
    /// The history in `table`; its message rows expire after `ttl`, or never.
    pub fn new(config: &SdkConfig, table: String, ttl: Option<SignedDuration>) -> Self {
        Self { client: Client::new(config), table, ttl, heads: Mutex::default() }
    }

    fn remember(&self, of: &ConversationId, head: Head) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if heads.len() >= HEADS_MAX {
            heads.clear();
        }
        heads.insert(of.clone(), head);
    }

    fn recall(&self, of: &ConversationId) -> Option<Head> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).remove(of)
    }
}

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
            Forget::Talk(until) => self.forget_conversation(of, until, false, now).await,
            Forget::Everything(until) => self.forget_conversation(of, until, true, now).await,
            Forget::Message(message_id) => self.forget_message(of, &message_id, now).await,
        };
        forgotten.map_err(failed("forget"))
    }

    async fn choose(&self, of: &ConversationId, persona: Option<String>) -> Result<(), HistoryError> {
        self.keep_persona(of, persona).await.map_err(failed("keep a persona"))
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

    async fn remember_own(&self, messages: &[MessageId], now: Timestamp) -> Result<(), HistoryError> {
        self.keep_own(messages, now).await.map_err(failed("remember messages"))
    }

    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError> {
        self.write(job, step, now).await.map_err(failed("record a step"))
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

/// When a row expires that is remembered from now on.
fn remembered_until(now: Timestamp) -> i64 {
    now.checked_add(REMEMBERED).unwrap_or(now).as_second()
}

/// The key of a row.
fn key(id: impl Into<String>) -> Item {
    Item::from([("id".to_owned(), s(id))])
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
