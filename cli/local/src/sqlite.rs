//! The embedded database of `serve` and `dev`: one file, one thread that writes, and one thread for long reads.
//!
//! Every operation is a closure that runs on the writing thread within a transaction. Operations that wait together
//! share one commit, and so one `fsync`. An operation returns success to its caller only after the commit.

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
