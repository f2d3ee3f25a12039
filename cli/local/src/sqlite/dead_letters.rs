//! The dead letters on SQLite: `serve` writes them, and `henji dlq` lists and redrives them, also while `serve` runs.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use shared::job::Job;
use worker::{
    clock::Clock,
    failure::{Failure, Reason},
};

use super::{
    database::Database,
    error::DatabaseError,
    history,
    queue::{Claimed, enqueue},
    rows::time,
};
use crate::dead_letter::{DeadLetter, State};

/// The dead letters.
pub struct DeadLetters {
    database: Database,
    clock: Clock,
}

/// The result of a redrive of one letter.
#[derive(Debug, PartialEq, Eq)]
pub enum Redriven {
    /// Its job is in the queue, with a new count of attempts, and the letters of its event are gone.
    Queued,
    /// There is no such letter, or no longer.
    Unknown,
    /// The job of the letter cannot be read by this build.
    Unreadable,
}

const LETTER: &str =
    "SELECT id, event_id, conversation, reason, detail, attempts, failed_at, body FROM letters";

impl DeadLetters {
    /// Makes the dead letters of this database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Writes a letter with `body` for its job. The job stays in the queue until it is acknowledged. Writing twice has
    /// the same effect as once, except that words that were removed in the meantime are removed from the letter, too.
    pub async fn write(
        &self,
        job: &Claimed,
        body: String,
        failure: &Failure,
        attempts: u32,
    ) -> Result<(), DatabaseError> {
        let id = format!("{}:{}", job.event_id, job.seq);
        // The queue has the job's group, which may be one of its own instead of the conversation.
        let conversation =
            Job::decode(&body).map_or(job.conversation.clone(), |it| it.conversation.to_string());
        let event = job.event_id.clone();
        let (reason, detail): (Reason, _) = (failure.reason, failure.detail.replace('\n', " "));
        let now = (self.clock)().as_millisecond();
        self.database
            .call(move |db| {
                db.execute(
                    "INSERT INTO letters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                     ON CONFLICT DO UPDATE SET body = excluded.body WHERE length(excluded.body) < length(body)",
                    params![id, event, conversation, reason.as_str(), detail, attempts, now, body],
                )
            })
            .await?;
        Ok(())
    }

    /// Returns all letters, oldest first. Several letters of one event are shown as one (the newest).
    pub async fn list(&self) -> Result<Vec<DeadLetter>, DatabaseError> {
        let now = (self.clock)();
        self.database
            .call(move |db| {
                let mut newest = db.prepare(&format!(
                    "{LETTER} WHERE id = (SELECT id FROM letters AS other WHERE other.event_id = letters.event_id
                     ORDER BY failed_at DESC, id DESC LIMIT 1) ORDER BY failed_at, id"
                ))?;
                newest.query_map([], |row| letter(db, row, now))?.collect()
            })
            .await
    }

    /// Returns the letter with this id as it is now.
    pub async fn get(&self, id: &str) -> Result<Option<DeadLetter>, DatabaseError> {
        let (id, now) = (id.to_owned(), (self.clock)());
        self.database
            .call(move |db| {
                db.query_row(&format!("{LETTER} WHERE id = ?1"), [id], |row| letter(db, row, now)).optional()
            })
            .await
    }

    /// Removes the letters of an event; false if there is none.
    pub async fn remove(&self, event: &str) -> Result<bool, DatabaseError> {
        let event = event.to_owned();
        let removed =
            self.database.call(move |db| db.execute("DELETE FROM letters WHERE event_id = ?1", [event]));
        Ok(removed.await? > 0)
    }

    /// Allows a push of a stored answer, although LINE may have the answer and no longer knows its retry key; false if
    /// no answer is stored.
    pub async fn risk_resending(&self, event: &str) -> Result<bool, DatabaseError> {
        let (event, now) = (event.to_owned(), (self.clock)().as_millisecond());
        self.database.call(move |db| history::risk_resending(db, &event, now)).await
    }

    /// Returns when the user was notified that there will be no answer.
    pub async fn told_at(&self, event: &str) -> Result<Option<Timestamp>, DatabaseError> {
        let event = event.to_owned();
        self.database.call(move |db| history::notified_at(db, &event)).await
    }

    /// Puts a letter's job back into the queue, behind all that its conversation has sent since, and removes the
    /// letters of its event, all or nothing.
    pub async fn redrive(&self, id: &str) -> Result<Redriven, DatabaseError> {
        let id = id.to_owned();
        let now = (self.clock)().as_millisecond();
        self.database.call(move |db| redrive(db, &id, now)).await
    }
}

fn letter(db: &Connection, row: &Row<'_>, now: Timestamp) -> rusqlite::Result<DeadLetter> {
    let event: String = row.get("event_id")?;
    Ok(DeadLetter {
        id: row.get("id")?,
        state: State::of(&history::stage(db, &event)?, now),
        event,
        conversation: row.get("conversation")?,
        reason: row.get("reason")?,
        detail: row.get("detail")?,
        attempts: row.get("attempts")?,
        failed_at: time(row.get("failed_at")?),
        body: row.get("body")?,
        held: vec![],
    })
}

fn redrive(db: &Connection, id: &str, now: i64) -> rusqlite::Result<Redriven> {
    let body = db
        .query_row("SELECT body FROM letters WHERE id = ?1", [id], |row| row.get::<_, String>(0))
        .optional()?;
    let Some(body) = body else { return Ok(Redriven::Unknown) };
    let Ok(job) = Job::decode(&body) else { return Ok(Redriven::Unreadable) };
    let job = Job { run: Some(id.to_owned()), ..job };
    enqueue(db, job.event_id.as_str(), &job.group(), &job.encode(), now)?;
    db.execute("DELETE FROM letters WHERE event_id = ?1", [job.event_id.as_str()])?;
    Ok(Redriven::Queued)
}
