//! The port that *accept* writes to. SQS implements it on AWS, SQLite on one machine.

use async_trait::async_trait;
use shared::job::Job;

/// A queue that takes jobs for the worker.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Puts these jobs into the queue, in this order.
    ///
    /// When it returns `Ok`, every job is durable: no crash can lose it. A job whose event was taken before counts as
    /// done and is not queued a second time. After an `Err` any part of the jobs may have been taken, and it is safe to
    /// send all of them again.
    async fn send(&self, jobs: &[Job]) -> Result<(), QueueError>;
}

/// The error if the queue did not take the jobs.
#[derive(Debug, thiserror::Error)]
#[error("the queue did not take {jobs} job(s)")]
pub struct QueueError {
    /// The number of jobs that were not taken, or not certainly taken.
    pub jobs: usize,
    /// The cause of the error.
    pub source: Box<dyn std::error::Error + Send + Sync>,
}
