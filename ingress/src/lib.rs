//! Stage one: *accept*. It authenticates a webhook, takes every event that needs a job, puts the jobs into the queue,
//! and answers 200, all within LINE's two seconds.
//!
//! It uses no history and no model, and it does not call LINE. It does not read a body before its signature is right,
//! and does not answer 200 before the jobs are durable.
//!
//! In reading order: [`accept`] has the order of the steps, [`signature`] and [`webhook`] are its two pure parts,
//! [`queue`] is the port that it writes to, and `lambda` and `adapters` connect it to AWS.

pub mod accept;
pub mod queue;
pub mod signature;
pub mod webhook;

#[cfg(feature = "aws")]
pub mod adapters;
#[cfg(feature = "aws")]
pub mod config;
#[cfg(feature = "aws")]
pub mod lambda;
