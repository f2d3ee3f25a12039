//! The port that *accept* writes to. SQS implements it on AWS, SQLite on one machine.

use async_trait::async_trait;
use shared::job::Job;

/// Takes jobs for the worker.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Puts these jobs into the queue, in this order.
    ///
    /// When it returns `Ok`, every job is durable: a crash of anything cannot lose it. A job whose
    /// event was taken before is taken as done and not queued a second time. After an `Err` any part
    /// of the jobs may have been taken, and sending all of them again is safe.
    async fn send(&self, jobs: &[Job]) -> Result<(), QueueError>;
}

/// The queue did not take the jobs.
#[derive(Debug, thiserror::Error)]
#[error("the queue did not take {jobs} job(s)")]
pub struct QueueError {
    /// How many were not, or not certainly, taken.
    pub jobs: usize,
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
