//! The jobs of the queue: acknowledging them, handing them back, and counting them.

use std::{sync::atomic::AtomicI64, time::Duration};

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use tokio::sync::Notify;
use worker::clock::Clock;

use crate::sqlite::{database::Database, error::DatabaseError, rows::millis};

const WAITING: i64 = 0;
pub(super) const READY: i64 = 1;
pub(super) const IN_FLIGHT: i64 = 2;

/// The longest pause before a retry. A job that is due later was dated before the clock was set back, and is due now.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// The queue.
pub struct SqliteQueue {
    pub(super) database: Database,
    pub(super) clock: Clock,
    /// The time of the last `claim`, in milliseconds.
    pub(super) seen: AtomicI64,
    /// The notification that a job was queued or became ready.
    pub job_ready: Notify,
}

/// A job that was taken for an attempt.
pub struct Claimed {
    /// The job's place in the queue's order, and its `MessageId`.
    pub seq: i64,
    /// The key of its turn.
    pub event_id: String,
    /// The group in the queue: the conversation, or a group of its own for an unsend, an edit or a forget.
    pub conversation: String,
    /// The job's JSON.
    pub body: String,
    /// The number of times that it was taken, with this one.
    pub received: u32,
}

impl Claimed {
    pub(super) fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            seq: row.get(0)?,
            event_id: row.get(1)?,
            conversation: row.get(2)?,
            body: row.get(3)?,
            received: row.get(4)?,
        })
    }
}

/// The counts of `GET /healthz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Depth {
    /// The number of unfinished jobs that are not in flight, with delayed retries.
    pub queued: u64,
    /// The number of jobs that are worked on.
    pub in_flight: u64,
    /// The number of events with a dead letter.
    pub dead_letters: u64,
}

impl SqliteQueue {
    /// Whether a job of this group waits behind that one. If the database does not say so, this is false and holds
    /// nothing up.
    pub async fn is_waited_for(&self, group: String, seq: i64) -> bool {
        let waits = self.database.call(move |db| {
            db.prepare_cached("SELECT 1 FROM jobs WHERE conversation = ?1 AND seq > ?2 LIMIT 1")?
                .exists(params![group, seq])
        });
        waits.await.unwrap_or(false)
    }

    /// Truncates the write-ahead log soon: see [`Database::truncate_log_soon`].
    pub async fn truncate_log_soon(&self) {
        self.database.truncate_log_soon().await;
    }

    /// Makes the queue in this database.
    pub fn new(database: Database, clock: Clock) -> Self {
        Self { database, clock, seen: i64::MAX.into(), job_ready: Notify::new() }
    }

    pub(super) fn now(&self) -> i64 {
        (self.clock)().as_millisecond()
    }

    /// Gives back the jobs that a process that has ended held in flight. Only the holder of the data directory's lock
    /// may call it.
    pub async fn recover(&self) -> Result<usize, DatabaseError> {
        let now = self.now();
        self.database
            .call(move |db| {
                db.execute(
                    "UPDATE jobs SET state = ?1, visible_at = ?2 WHERE state = ?3",
                    params![READY, now, IN_FLIGHT],
                )
            })
            .await
    }

    /// Returns the first `most` jobs that wait behind a claimed one. They continue to wait, because the claimed one
    /// holds them back.
    pub async fn behind(&self, claimed: &Claimed, most: u32) -> Result<Vec<Claimed>, DatabaseError> {
        let (seq, group) = (claimed.seq, claimed.conversation.clone());
        self.database
            .call(move |db| {
                let mut waiting = db.prepare_cached(
                    "SELECT seq, event_id, conversation, body, received FROM jobs
                     WHERE conversation = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
                )?;
                waiting.query_map(params![group, seq, most], Claimed::of_row)?.collect()
            })
            .await
    }

    /// Acknowledges a job, and the jobs that are `over` with it. They are deleted, and the next job of their
    /// conversation is ready.
    pub async fn finish(&self, over: &[i64], seq: i64, conversation: &str) -> Result<(), DatabaseError> {
        let (gone, conversation) = ([over, &[seq]].concat(), conversation.to_owned());
        let now = self.now();
        self.database
            .call(move |db| {
                remove(db, &gone)?;
                make_first_ready(db, &conversation, now)
            })
            .await?;
        self.job_ready.notify_one();
        Ok(())
    }

    /// Hands a job back, to be seen again after `after`, at most an hour. Its conversation waits with it. The jobs
    /// before it that are `over` are deleted.
    pub async fn hand_back(&self, over: &[i64], seq: i64, after: Duration) -> Result<(), DatabaseError> {
        self.hand_back_as(over, seq, after, 0).await
    }

    /// Hands a job back as if it had not been taken. If it was never taken otherwise, it is seen again as soon as another
    /// job of its conversation comes, because it may be answered together with that one.
    pub async fn hand_back_uncounted(
        &self,
        over: &[i64],
        seq: i64,
        after: Duration,
    ) -> Result<(), DatabaseError> {
        self.hand_back_as(over, seq, after, 1).await
    }

    /// Hands a job back. The last one of several that were tried together was not taken by itself, and counts as taken.
    async fn hand_back_as(
        &self,
        over: &[i64],
        seq: i64,
        after: Duration,
        uncounted: u32,
    ) -> Result<(), DatabaseError> {
        let (gone, visible_at) = (over.to_vec(), self.now() + millis(after.min(LONGEST_PAUSE)));
        self.database
            .call(move |db| {
                remove(db, &gone)?;
                db.prepare_cached(
                    "UPDATE jobs SET state = ?1, visible_at = ?2, received = max(received, 1) - ?3 WHERE seq = ?4",
                )?
                .execute(params![READY, visible_at, uncounted, seq])
            })
            .await?;
        self.job_ready.notify_one();
        Ok(())
    }

    /// Counts the jobs in the queue. This takes longer the more jobs there are, and no writer waits for it.
    pub async fn depth(&self) -> Result<Depth, DatabaseError> {
        self.database
            .read(|db| {
                let count = |sql: &str| db.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0));
                let number = |n: i64| u64::try_from(n).unwrap_or(0);
                let in_flight = count("SELECT count(*) FROM jobs WHERE state = 2 AND state > 0")?;
                Ok(Depth {
                    queued: number(count("SELECT count(*) FROM jobs")? - in_flight),
                    in_flight: number(in_flight),
                    dead_letters: number(count("SELECT count(DISTINCT event_id) FROM letters")?),
                })
            })
            .await
    }
}

/// Puts a job behind all others.
pub(crate) fn enqueue(
    db: &Connection,
    event: &str,
    conversation: &str,
    body: &str,
    now: i64,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO jobs (event_id, conversation, body, state, visible_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![event, conversation, body, WAITING, now])?;
    make_first_ready(db, conversation, now)
}

fn remove(db: &Connection, jobs: &[i64]) -> rusqlite::Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM jobs WHERE seq = ?1")?;
    jobs.iter().try_for_each(|seq| delete.execute([seq]).map(drop))
}

/// Makes the first job of a conversation ready. A job that waits for another one is due now.
fn make_first_ready(db: &Connection, conversation: &str, now: i64) -> rusqlite::Result<()> {
    let first: Option<(i64, i64, bool)> = db
        .prepare_cached(
            "SELECT seq, state, received = 0 AND visible_at > ?2 FROM jobs WHERE conversation = ?1 ORDER BY seq LIMIT 1",
        )?
        .query_row(params![conversation, now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    match first {
        Some((seq, WAITING, _)) => {
            db.prepare_cached("UPDATE jobs SET state = ?1 WHERE seq = ?2")?.execute([READY, seq])?;
        }
        Some((seq, READY, true)) => {
            db.prepare_cached("UPDATE jobs SET visible_at = ?1 WHERE seq = ?2")?.execute([now, seq])?;
        }
        _ => {}
    }
    Ok(())
}
