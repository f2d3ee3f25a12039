//! The verdict on an event of a webhook: a job, or the reason why there is none.

use shared::job::Job;

/// The verdict on one event.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The event becomes a job.
    Job(Box<Job>),
    /// The event needs no job, for this reason.
    Skip(&'static str),
    /// This build cannot read the event. It is skipped with a warning.
    Odd(&'static str),
}
