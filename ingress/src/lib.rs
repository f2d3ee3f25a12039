//! Stage one: *accept*. It authenticates a webhook, takes every event worth answering, puts the jobs
//! into the queue, and says 200, all within LINE's two seconds.
//!
//! It refuses to think: no history, no model, no call to LINE. A body is not looked at before its
//! signature is right, and 200 is not said before the jobs are durable.
//!
//! In reading order: [`accept`] tells the story, [`signature`] and [`webhook`] are its two pure parts,
//! [`queue`] is the port it writes to, `lambda` and `adapters` are its ways to AWS.

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
