//! The queue on SQLite. It is durable, keeps the order within a conversation, and leases the jobs in flight.
//!
//! The rule of the `state` column: only the first job of each conversation is ready or in flight. So a claim reads one
//! range of an index, however many jobs wait behind busy conversations.

mod claim;
mod jobs;
mod send;
mod sweep;

pub(super) use self::jobs::enqueue;
pub use self::jobs::{Claimed, Depth, SqliteQueue};
