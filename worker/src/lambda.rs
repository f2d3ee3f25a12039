//! Stage two as a Lambda function: SQS delivers batches to it, and it acts on the outcome of each attempt.

mod attempt;
pub mod batch;
mod dead_letter;
mod disposition;
mod group;
mod heartbeat;
pub mod month_quota;
mod poison_job;
mod receive_pause;
mod record;
pub mod setup;
