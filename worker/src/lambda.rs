//! Stage two as a Lambda function: SQS hands it batches, and it acts on the outcome of each attempt.

mod attempt;
pub mod batch;
mod dead_letter;
mod disposition;
mod group;
mod heartbeat;
mod poison_job;
pub mod quota_watch;
mod receive_pause;
mod record;
pub mod setup;
