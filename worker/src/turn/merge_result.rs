//! The outcome of an attempt at one job, or at several that are one question.

use jiff::Timestamp;
use shared::job::Job;

use crate::outcome::Outcome;

/// The outcome of an attempt at one job, or at several that wait behind each other.
#[derive(Debug)]
pub enum MergeResult {
    /// So many at the front are to be answered one by one.
    OneByOne(usize),
    /// So many at the front are answered by the one behind them, and this is its outcome.
    Ended {
        /// How many.
        merged: usize,
        /// The outcome of the next one.
        outcome: Outcome,
    },
}

impl MergeResult {
    /// Leaves the one line that every attempt at these jobs leaves; none where none was made.
    pub fn log(&self, jobs: &[Job], began: Timestamp, ended: Timestamp) {
        let Self::Ended { merged, outcome } = self else { return };
        for (index, job) in jobs.iter().enumerate() {
            let outcome = if index < *merged { &Outcome::Merged } else { outcome };
            outcome.log(job, began, ended);
        }
    }
}
