//! The `henji` command: both stages on one machine, their dead letters, their set-up.
//!
//! It adds no logic to *accept* and *answer*: it gives them a queue and a history on SQLite, a listener,
//! and, in `dev`, servers that stand in for LINE and the model over HTTP.
//!
//! In reading order: [`serve`] wires the process, [`http`] is its listener, [`dispatch`] hands jobs to
//! the worker, [`sqlite`] keeps everything; [`dev`] and [`standin`] are the newcomer's world; [`dlq`]
//! and [`send`] are commands of their own.

pub mod channel;
pub mod deployment;
pub mod dev;
pub mod dispatch;
pub mod dlq;
pub mod dotenv;
pub mod http;
pub mod send;
pub mod serve;
pub mod sqlite;
pub mod standin;
