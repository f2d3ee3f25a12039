//! The history on SQLite. One thread writes, so "conditional" and "transaction" come for free.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};
use shared::job::{ConversationId, Job};
use worker::{
    conversation::{Message, Role, rfc3339, stamps},
    history::{Delivery, Exchange, History, HistoryError, Kept, Stage, Step, Turn, row_id},
    outcome::Reason,
};

use super::{Database, DatabaseError, queue::time};

/// The history in a database.
pub struct SqliteHistory {
    database: Database,
    ttl: Option<SignedDuration>,
}

impl SqliteHistory {
    /// Rows expire after `ttl`, or never.
    pub fn new(database: Database, ttl: Option<SignedDuration>) -> Self {
        Self { database, ttl }
    }
}

/// How many messages of a conversation are kept.
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

const TURN: &str = "SELECT run, attempts, failed, gave_up, stage, pushes, pushed, unknown_since, told_at FROM turns WHERE event_id = ?1";

fn stage_of(row: &Row<'_>) -> rusqlite::Result<Stage> {
    let pushes = |text: Option<String>| serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
    Ok(match row.get("stage")? {
        0 => Stage::Open,
        1 => Stage::Stored(Delivery {
            pushes: pushes(row.get("pushes")?),
            pushed: row.get("pushed")?,
            unknown_since: row.get::<_, Option<i64>>("unknown_since")?.map(time),
        }),
        _ => Stage::Delivered,
    })
}

/// How far an event's turn got.
pub(super) fn stage(db: &Connection, event: &str) -> rusqlite::Result<Stage> {
    let stage = db.prepare_cached(TURN)?.query_row([event], stage_of).optional()?;
    Ok(stage.unwrap_or(Stage::Open))
}

fn begin(db: &Connection, event: &str, run: Option<&str>, now: i64) -> rusqlite::Result<Turn> {
    db.prepare_cached("INSERT OR IGNORE INTO turns (event_id, run, updated_at) VALUES (?1, ?2, ?3)")?
        .execute(params![event, run, now])?;
    let mut turn = db.prepare_cached(TURN)?.query_row([event], |row| {
        let same_run = row.get::<_, Option<String>>("run")?.as_deref() == run;
        let of_run = |column: &str| -> rusqlite::Result<Option<Reason>> {
            let word: Option<String> = row.get(column)?;
            Ok(word.filter(|_| same_run).and_then(|word| reason(&word)))
        };
        Ok(Turn {
            attempts: if same_run { row.get("attempts")? } else { 0 },
            failed: of_run("failed")?,
            gave_up: of_run("gave_up")?,
            stage: stage_of(row)?,
        })
    })?;
    if turn.stage != Stage::Delivered {
        turn.attempts += 1;
        db.prepare_cached(
            "UPDATE turns SET run = ?2, attempts = ?3, failed = NULL, updated_at = ?4,
                 gave_up = CASE WHEN run IS ?2 THEN gave_up END WHERE event_id = ?1",
        )?
        .execute(params![event, run, turn.attempts, now])?;
    }
    Ok(turn)
}

fn reason(word: &str) -> Option<Reason> {
    serde_json::from_value(word.into()).ok()
}

fn record(db: &Connection, event: &str, step: Step, now: i64) -> rusqlite::Result<()> {
    let update = |set: &str, values: &[&dyn rusqlite::ToSql]| {
        db.prepare_cached(&format!("UPDATE turns SET updated_at = ?2, {set} WHERE event_id = ?1"))?
            .execute(values)
    };
    match step {
        Step::Pushing { pushed } => {
            update("pushed = ?3, unknown_since = ?2 ", params![event, now, pushed])?;
        }
        Step::Delivered => {
            update("stage = 2, pushes = NULL, unknown_since = NULL, failed = NULL", params![event, now])?;
        }
        Step::Failed { reason, delivery, gave_up } => {
            let reason = reason.as_str();
            update("failed = ?3", params![event, now, reason])?;
            if gave_up {
                update("gave_up = ?3", params![event, now, reason])?;
            }
            if let Some(Delivery { pushed, unknown_since, .. }) = delivery {
                let unknown_since = unknown_since.map(Timestamp::as_millisecond);
                update("pushed = ?3, unknown_since = ?4", params![event, now, pushed, unknown_since])?;
            }
        }
        Step::Withdrawn => {
            update("attempts = max(attempts - 1, 0)", params![event, now])?;
        }
    }
    Ok(())
}

fn tell(db: &Connection, event: &str, now: i64) -> rusqlite::Result<Option<Timestamp>> {
    let is_owed = match stage(db, event)? {
        Stage::Open => true,
        Stage::Stored(delivery) => delivery.pushed == 0 && delivery.unknown_since.is_none(),
        Stage::Delivered => false,
    };
    if !is_owed {
        return Ok(None);
    }
    db.prepare_cached("UPDATE turns SET told_at = coalesce(told_at, ?2), updated_at = ?2 WHERE event_id = ?1 RETURNING told_at")?
        .query_row(params![event, now], |row| row.get(0))
        .map(|first| Some(time(first)))
}

struct Answer {
    event: shared::job::EventId,
    conversation: ConversationId,
    exchange: Option<Exchange>,
    pushes: Vec<String>,
}

fn store(
    db: &Connection,
    answer: Answer,
    ttl: Option<SignedDuration>,
    now: Timestamp,
) -> rusqlite::Result<Kept> {
    let Answer { event, conversation, exchange, pushes } = answer;
    let stored = stage(db, event.as_str())?;
    if stored != Stage::Open {
        return Ok(Kept::Theirs(stored));
    }
    if let Some(Exchange { question, answer }) = exchange {
        let last: Option<String> = db
            .prepare_cached("SELECT max(created_at) FROM messages WHERE conversation = ?1")?
            .query_row([conversation.as_str()], |row| row.get(0))?;
        let (asked_at, answered_at) = stamps(now, last.and_then(|text| text.parse().ok()));
        let expires_at = ttl.and_then(|ttl| now.checked_add(ttl).ok()).map(Timestamp::as_second);
        let mut insert = db.prepare_cached(
            "INSERT INTO messages (id, conversation, role, content, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        for (role, content, at) in [(Role::User, question, asked_at), (Role::Assistant, answer, answered_at)]
        {
            let id = row_id(&event, role).to_string();
            insert.execute(params![
                id,
                conversation.as_str(),
                role.as_str(),
                content,
                rfc3339(at),
                expires_at
            ])?;
        }
    }
    let millis = now.as_millisecond();
    let bodies = serde_json::to_string(&pushes).unwrap_or_default();
    db.prepare_cached(
        "UPDATE turns SET stage = 1, pushes = ?2, pushed = 0, unknown_since = ?3, updated_at = ?3 WHERE event_id = ?1",
    )?
    .execute(params![event.as_str(), bodies, millis])?;
    Ok(Kept::Mine(Delivery { pushes, pushed: 0, unknown_since: Some(time(millis)) }))
}

fn failed(doing: &'static str) -> impl FnOnce(DatabaseError) -> HistoryError {
    move |source| HistoryError { doing, passing: true, source: source.into() }
}

#[async_trait]
impl History for SqliteHistory {
    async fn begin(&self, job: &Job, now: Timestamp) -> Result<Turn, HistoryError> {
        let (event, run, now) = (job.event_id.clone(), job.run.clone(), now.as_millisecond());
        let begun = self.database.call(move |db| begin(db, event.as_str(), run.as_deref(), now));
        begun.await.map_err(failed("begin a turn"))
    }

    async fn load(
        &self,
        of: &ConversationId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Message>, HistoryError> {
        let (of, now) = (of.clone(), now.as_second());
        let loaded = self.database.call(move |db| {
            let mut newest = db.prepare_cached(
                "SELECT role, content FROM messages
                 WHERE conversation = ?1 AND (expires_at IS NULL OR expires_at > ?2)
                 ORDER BY created_at DESC LIMIT ?3",
            )?;
            let rows = newest.query_map(params![of.as_str(), now, limit], |row| {
                let role = Role::of_row(&row.get::<_, String>(0)?);
                Ok(role.map(|role| Ok(Message { role, content: row.get(1)? })).transpose())
            })?;
            let messages: rusqlite::Result<Vec<Option<Message>>> = rows.map(|row| row?).collect();
            Ok(messages?.into_iter().rev().flatten().collect())
        });
        loaded.await.map_err(failed("load a conversation"))
    }

    async fn store(
        &self,
        job: &Job,
        exchange: Option<Exchange>,
        pushes: Vec<String>,
        now: Timestamp,
    ) -> Result<Kept, HistoryError> {
        let (event, conversation) = (job.event_id.clone(), job.conversation.clone());
        let (answer, ttl) = (Answer { event, conversation, exchange, pushes }, self.ttl);
        self.database.call(move |db| store(db, answer, ttl, now)).await.map_err(failed("store an answer"))
    }

    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError> {
        let (event, now) = (job.event_id.clone(), now.as_millisecond());
        self.database
            .call(move |db| record(db, event.as_str(), step, now))
            .await
            .map_err(failed("record a step"))
    }

    async fn tell(&self, job: &Job, now: Timestamp) -> Result<Option<Timestamp>, HistoryError> {
        let (event, now) = (job.event_id.clone(), now.as_millisecond());
        self.database.call(move |db| tell(db, event.as_str(), now)).await.map_err(failed("mark who is told"))
    }
}
