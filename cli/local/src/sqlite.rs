//! The embedded database of `serve` and `dev`: one file, one writing thread, and one that reads what takes long.
//!
//! Every operation is a closure that runs on the writing thread within a transaction; operations that wait
//! together share one commit, and so one `fsync`. A caller hears of success only after the commit.

mod damage;
mod database;
pub mod dead_letters;
mod error;
pub mod history;
mod migrations;
pub mod queue;
mod reader;
mod redact;
mod rows;
mod writer;

pub use self::{database::Database, error::DatabaseError};
