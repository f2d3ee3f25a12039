//! The history on SQLite. Only one thread writes, so that conditions and transactions need no further code.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;
use shared::job::{ConversationId, Job, MessageId};
use worker::{
    history::{
        Answer, ConversationChanges, Edit, Forget, ForgetMarker, History, HistoryError, Pause, PauseChange,
        Question, Quote, Quoted, REMEMBERED_FOR, Snapshot, SnapshotScope, Step, StoreResult, Tokens, Turn,
        Used, UsedFallback,
    },
    rules::turn::{Conflict, TurnStep},
};

use super::{database::Database, error::DatabaseError, redact};

mod edit;
mod forget;
pub mod group;
mod past;
mod pause;
mod quoted;
mod store;
mod turn;
mod turn_row;

pub use turn::{notified_at, risk_resending, stage};

/// The history in a database.
pub struct SqliteHistory {
    database: Database,
    ttl: Option<SignedDuration>,
}

impl SqliteHistory {
    /// Makes the history. Its rows expire after `ttl`, or never.
    pub fn new(database: Database, ttl: Option<SignedDuration>) -> Self {
        Self { database, ttl }
    }

    async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let done = self.database.call(work).await;
        done.map_err(failed(doing))
    }
}

/// Returns a function that makes the error of an operation that can be tried again.
fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    doing: &'static str,
) -> impl Fn(E) -> HistoryError {
    move |source| HistoryError { doing, passing: true, source: source.into() }
}

/// Returns the number of messages that are kept of a conversation.
pub async fn count(database: &Database, of: &str) -> Result<u64, DatabaseError> {
    let of = of.to_owned();
    database
        .call(move |db| {
            let mut count = db.prepare_cached("SELECT count(*) FROM messages WHERE conversation = ?1")?;
            count.query_row([of], |row| row.get::<_, i64>(0))
        })
        .await
        .map(|count| u64::try_from(count).unwrap_or(0))
}

/// Returns the usage of each person on each day from this day on.
pub async fn used_since(database: &Database, day: &str) -> Result<Vec<Used>, DatabaseError> {
    let day = day.to_owned();
    database
        .call(move |db| {
            let mut used = db.prepare_cached(
                "SELECT user, period, answers, prompt, cached, cache_written, completion, fallback_model,
                     fallback_answers, fallback_prompt, fallback_cached, fallback_cache_written, fallback_completion
                 FROM usage
                 WHERE period >= ?1 AND period <> 'ever'",
            )?;
            let rows = used.query_map([day], |row| {
                let count = |at: usize| row.get::<_, i64>(at).map(|count| u64::try_from(count).unwrap_or(0));
                let tokens = |from: usize| -> rusqlite::Result<Tokens> {
                    Ok(Tokens {
                        prompt: count(from)?,
                        cached: count(from + 1)?,
                        cache_written: count(from + 2)?,
                        completion: count(from + 3)?,
                    })
                };
                let fallback = row.get::<_, Option<String>>(7)?.map(|model| -> rusqlite::Result<_> {
                    Ok(UsedFallback { model, answers: count(8)?, tokens: tokens(9)? })
                });
                Ok(Used {
                    user: row.get(0)?,
                    day: row.get(1)?,
                    answers: count(2)?,
                    tokens: tokens(3)?,
                    fallback: fallback.transpose()?,
                })
            })?;
            rows.collect()
        })
        .await
}

impl SqliteHistory {
    /// Returns the time in Unix seconds up to which a question without an answer is kept.
    fn kept_until(&self, now: Timestamp) -> i64 {
        let kept = REMEMBERED_FOR.min(self.ttl.unwrap_or(REMEMBERED_FOR));
        now.checked_add(kept).unwrap_or(now).as_second()
    }
}

#[async_trait]
impl History for SqliteHistory {
    async fn begin(&self, job: &Job, now: Timestamp) -> Result<Turn, HistoryError> {
        let (job, now) = (job.clone(), now.as_millisecond());
        self.run("begin a turn", move |db| turn::begin(db, &job, now)).await
    }

    async fn load(&self, job: &Job, scope: SnapshotScope, now: Timestamp) -> Result<Snapshot, HistoryError> {
        let (job, now) = (job.clone(), now.as_second());
        self.run("load a conversation", move |db| past::load(db, &job, scope, now)).await
    }

    async fn conversation_changes(
        &self,
        job: &Job,
        now: Timestamp,
    ) -> Result<ConversationChanges, HistoryError> {
        let (job, now) = (job.clone(), now.as_second());
        let changes = self.run("load what changed", move |db| {
            let stage = turn::stage(db, job.event_id.as_str())?;
            Ok(ConversationChanges { stage, ..past::changes(db, &job, now)? })
        });
        changes.await
    }

    async fn store(
        &self,
        job: &Job,
        answer: Answer,
        seen: Option<ForgetMarker>,
        now: Timestamp,
    ) -> Result<StoreResult, HistoryError> {
        let (job, ttl) = (job.clone(), self.ttl);
        let doing = "store an answer";
        let stored = self.run(doing, move |db| store::store(db, &job, answer, seen, ttl, now)).await?;
        stored.map_err(failed(doing))
    }

    async fn forget(&self, of: &ConversationId, what: Forget, now: Timestamp) -> Result<(), HistoryError> {
        let of = of.clone();
        let forgotten = self.run("forget", move |db| {
            forget::forget(db, &of, &what, now)?;
            redact::redact(db, &of, &what, now.as_millisecond())
        });
        let forgotten = forgotten.await;
        self.database.truncate_log_soon().await;
        forgotten
    }

    async fn choose(
        &self,
        of: &ConversationId,
        persona: Option<String>,
        said_at: Option<i64>,
    ) -> Result<(), HistoryError> {
        let of = of.clone();
        self.run("keep a persona", move |db| forget::choose(db, &of, persona.as_deref(), said_at)).await
    }

    async fn pause(
        &self,
        of: &ConversationId,
        change: PauseChange,
        _: Timestamp,
    ) -> Result<Option<Pause>, HistoryError> {
        let of = of.clone();
        self.run("pause a chat", move |db| pause::change(db, &of, change)).await
    }

    async fn edit(
        &self,
        of: &ConversationId,
        message: &MessageId,
        edit: Edit,
        now: Timestamp,
    ) -> Result<(), HistoryError> {
        let (of, message, now) = (of.clone(), message.clone(), now.as_millisecond());
        self.run("keep a change", move |db| edit::edit(db, &of, &message, &edit, now)).await?;
        self.database.truncate_log_soon().await;
        Ok(())
    }

    async fn quoted(
        &self,
        of: &ConversationId,
        quote: &Quote,
        now: Timestamp,
    ) -> Result<Option<Quoted>, HistoryError> {
        let (of, quote, now) = (of.clone(), quote.clone(), now.as_second());
        self.run("find a quoted message", move |db| quoted::find(db, &of, &quote, now)).await
    }

    async fn remember_own(&self, messages: &[MessageId], now: Timestamp) -> Result<(), HistoryError> {
        let (messages, now) = (messages.to_vec(), now.as_millisecond());
        self.run("remember messages", move |db| group::remember_own(db, &messages, now)).await
    }

    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError> {
        let job = job.clone();
        let doing = "record a step";
        let recorded = self.run(doing, move |db| {
            let recorded = TurnStep::of_recorded(&step, now);
            let recorded = turn::record(db, job.event_id.as_str(), &recorded, now.as_millisecond())?;
            if let Step::Delivered { own } = &step {
                quoted::keep_own(db, &job.event_id, own)?;
                // Only a redrive delivers an answer that waited.
                if job.run.is_some() {
                    turn::forget_waiting(db, &job)?;
                }
            }
            Ok(recorded)
        });
        match recorded.await? {
            // No attempt is counted that this step could withdraw, so there is nothing to record.
            Ok(()) | Err(Conflict::NotBegun) => Ok(()),
            Err(conflict) => Err(failed(doing)(conflict)),
        }
    }

    async fn note_waiting(&self, job: &Job, now: Timestamp) -> Result<(), HistoryError> {
        let (job, until) = (job.clone(), self.kept_until(now));
        let noted = self.run("note that an answer waits", move |db| {
            if past::mark(db, &job.conversation)?.is_some_and(|marker| marker.covers(&job)) {
                return Ok(());
            }
            turn::note_waiting(db, &job, until)
        });
        noted.await
    }

    async fn mark_notified(
        &self,
        job: &Job,
        question: Option<&Question>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, HistoryError> {
        let (job, question, until) = (job.clone(), question.cloned(), self.kept_until(now));
        let told = self.run("mark who is told", move |db| {
            let told = turn::mark_notified(db, job.event_id.as_str(), now.as_millisecond())?;
            if let Some(question) = question.filter(|_| told.is_some())
                && !past::mark(db, &job.conversation)?.is_some_and(|marker| marker.covers(&job))
            {
                turn::keep_unanswered(db, &job, &question, until)?;
            }
            Ok(told)
        });
        told.await
    }
}
