//! Taking jobs into the queue, each event once.

use async_trait::async_trait;
use ingress::queue::{JobQueue, QueueError};
use rusqlite::{Connection, params};
use shared::job::{EventId, Job};

use super::jobs::{SqliteQueue, enqueue};
use crate::sqlite::error::DatabaseError;

/// The most jobs that are written at once, so that other webhooks and turns need not wait for all jobs of a large
/// webhook.
const SENT_AT_ONCE: usize = 500;

#[async_trait]
impl JobQueue for SqliteQueue {
    async fn send(&self, jobs: &[Job]) -> Result<(), QueueError> {
        let mut left = jobs.len();
        for jobs in jobs.chunks(SENT_AT_ONCE) {
            let sent = self.send_at_once(jobs).await;
            sent.map_err(|source| QueueError { jobs: left, source: source.into() })?;
            left -= jobs.len();
            self.job_ready.notify_one();
        }
        Ok(())
    }
}

impl SqliteQueue {
    /// Takes these jobs into the queue in one step.
    async fn send_at_once(&self, jobs: &[Job]) -> Result<(), DatabaseError> {
        let jobs: Vec<_> = jobs.iter().map(|job| (job.event_id.clone(), job.group(), job.encode())).collect();
        let now = self.now();
        let sent = self.database.call(move |db| {
            for (event, group, body) in &jobs {
                if take(db, event, now)? {
                    enqueue(db, event.as_str(), group, body, now)?;
                }
            }
            Ok(())
        });
        sent.await
    }
}

/// Marks an event as taken; false if it was taken before.
fn take(db: &Connection, event: &EventId, now: i64) -> rusqlite::Result<bool> {
    let new = db
        .prepare_cached("INSERT OR IGNORE INTO turns (event_id, updated_at) VALUES (?1, ?2)")?
        .execute(params![event.as_str(), now])?;
    Ok(new == 1)
}
