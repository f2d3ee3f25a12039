//! Dead letters on SQLite: written by `serve`, listed and redriven by `henji dlq`, also while it runs.

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
use crate::dead_letter::{Letter, State};

/// The dead letters.
pub struct DeadLetters {
    database: Database,
    clock: Clock,
}

/// What a redrive did with one letter.
#[derive(Debug, PartialEq, Eq)]
pub enum Redriven {
    /// Its job is in the queue, with a new count of attempts, and the letters of its event are gone.
    Queued,
    /// There is no such letter, any more.
    Unknown,
    /// It is not a job that this build can read.
    Unreadable,
}

const LETTER: &str =
    "SELECT id, event_id, conversation, reason, detail, attempts, failed_at, body FROM letters";

impl DeadLetters {
    /// The letters in this database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Writes a letter with this for its job. The job stays in the queue until it is acknowledged. Writing twice is the same
    /// as once, but for words that were taken out meanwhile.
    pub async fn write(
        &self,
        job: &Claimed,
        body: String,
        failure: &Failure,
        attempts: u32,
    ) -> Result<(), DatabaseError> {
        let id = format!("{}:{}", job.event_id, job.seq);
        // The queue names the group of the job, which may be its own.
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

    /// All letters, oldest first, those of one event as one (its newest).
    pub async fn list(&self) -> Result<Vec<Letter>, DatabaseError> {
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

    /// The letter of this id as it is now.
    pub async fn get(&self, id: &str) -> Result<Option<Letter>, DatabaseError> {
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

    /// Lets a stored answer be pushed although LINE may have it and no longer knows; false if none is stored.
    pub async fn risk_resending(&self, event: &str) -> Result<bool, DatabaseError> {
        let (event, now) = (event.to_owned(), (self.clock)().as_millisecond());
        self.database.call(move |db| history::risk_resending(db, &event, now)).await
    }

    /// When the user was told that there will be no answer.
    pub async fn told_at(&self, event: &str) -> Result<Option<Timestamp>, DatabaseError> {
        let event = event.to_owned();
        self.database.call(move |db| history::notified_at(db, &event)).await
    }

    /// Puts a letter's job back into the queue, behind what its conversation sent since, and removes
    /// the letters of its event, all or nothing.
    pub async fn redrive(&self, id: &str) -> Result<Redriven, DatabaseError> {
        let id = id.to_owned();
        let now = (self.clock)().as_millisecond();
        self.database.call(move |db| redrive(db, &id, now)).await
    }
}

fn letter(db: &Connection, row: &Row<'_>, now: Timestamp) -> rusqlite::Result<Letter> {
    let event: String = row.get("event_id")?;
    Ok(Letter {
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
