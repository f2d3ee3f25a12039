//! Dead letters on SQLite: written by `serve`, listed and redriven by `henji dlq`, also while it runs.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use shared::job::Job;
use worker::{
    answer::Clock,
    history::Stage,
    outcome::{Failure, Reason},
};

use super::{
    Database, DatabaseError, history,
    queue::{Claimed, enqueue, time},
};

/// The dead letters.
pub struct Letters {
    database: Database,
    clock: Clock,
}

/// What became of an event that has a letter, and so what a redrive would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No answer is stored: a redrive asks the model.
    Unanswered,
    /// An answer is stored: a redrive only pushes it.
    Answered,
    /// The user has it: there is nothing to do.
    Delivered,
    /// It was taken back, or its conversation forgotten: a redrive does nothing.
    Forgotten,
    /// An answer is stored, and LINE's memory of its pushes is over: a redrive does not repeat them.
    DeliveryUnknown,
}

impl State {
    /// The word in `list`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unanswered => "unanswered",
            Self::Answered => "answered",
            Self::Delivered => "delivered",
            Self::Forgotten => "forgotten",
            Self::DeliveryUnknown => "delivery_unknown",
        }
    }

    fn of(stage: &Stage, now: Timestamp) -> Self {
        match stage {
            Stage::Open => Self::Unanswered,
            Stage::Delivered => Self::Delivered,
            Stage::Forgotten => Self::Forgotten,
            Stage::Stored(delivery) if delivery.may_be_pushed(now) => Self::Answered,
            Stage::Stored(_) => Self::DeliveryUnknown,
        }
    }
}

/// One event that was given up. It holds nothing that people wrote.
#[derive(Clone, Debug, Serialize)]
pub struct Letter {
    /// `{event id}:{MessageId of the job}`.
    pub id: String,
    /// The event.
    pub event: String,
    /// Whose it is.
    pub conversation: String,
    /// Why; one of CONTRACT "Queue".
    pub reason: String,
    /// One line more.
    pub detail: String,
    /// Attempts begun.
    pub attempts: u32,
    /// When it was given up, RFC 3339.
    pub failed_at: Timestamp,
    /// How far its turn got.
    pub state: State,
}

/// What a redrive did with one letter.
#[derive(Debug, PartialEq, Eq)]
pub enum Redriven {
    /// Its job is in the queue again, with a new count of attempts.
    Queued,
    /// There is no such letter.
    Unknown,
    /// It is not a job, so no worker could answer it.
    Unreadable,
}

const LETTER: &str =
    "SELECT id, event_id, conversation, reason, detail, attempts, failed_at, body FROM letters";

impl Letters {
    /// The letters in this database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock }
    }

    /// Writes a letter. The job stays in the queue until it is acknowledged; writing twice is the same
    /// as once.
    pub async fn write(&self, job: &Claimed, failure: &Failure, attempts: u32) -> Result<(), DatabaseError> {
        let id = format!("{}:{}", job.event_id, job.seq);
        let (event, conversation, body) = (job.event_id.clone(), job.conversation.clone(), job.body.clone());
        let (reason, detail): (Reason, _) = (failure.reason, failure.detail.replace('\n', " "));
        let now = (self.clock)().as_millisecond();
        self.database
            .call(move |db| {
                db.execute(
                    "INSERT OR IGNORE INTO letters VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
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
