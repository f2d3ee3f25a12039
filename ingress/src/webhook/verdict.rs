//! The verdict on an event of a webhook: a job, or the reason why there is none.

use shared::job::Job;

/// The verdict on one event.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It wants an answer.
    Job(Box<Job>),
    /// It wants none, for this reason.
    Skip(&'static str),
    /// It is not an event that this build can read; skipped with a warning.
    Odd(&'static str),
}
