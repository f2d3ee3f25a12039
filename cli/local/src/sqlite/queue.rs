//! The queue on SQLite: durable, in order within a conversation, leases for what is in flight.
//!
//! The rule behind the `state` column: of each conversation only the first job is ready or in flight.
//! So taking work is one index range, however many jobs wait behind busy conversations.

mod claim;
mod jobs;
mod send;
mod sweep;

pub(super) use self::jobs::enqueue;
pub use self::jobs::{Claimed, Depth, SqliteQueue};
