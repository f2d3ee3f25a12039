//! The outcome of an attempt at one job, or at several that are answered as one question.

use jiff::Timestamp;
use shared::job::Job;

use crate::outcome::Outcome;

/// The outcome of an attempt at one job, or at several that wait one behind the other.
#[derive(Debug)]
pub enum MergeResult {
    /// This number of jobs at the front must be answered one by one.
    OneByOne(usize),
    /// The attempt ended. The job behind the merged ones answers them, too.
    Ended {
        /// The number of jobs at the front that are merged.
        merged: usize,
        /// The outcome of the job behind them.
        outcome: Outcome,
    },
}

impl MergeResult {
    /// Logs the one line that every attempt leaves, for each of these jobs; nothing if they are answered one by one.
    pub fn log(&self, jobs: &[Job], began: Timestamp, ended: Timestamp) {
        let Self::Ended { merged, outcome } = self else { return };
        for (index, job) in jobs.iter().enumerate() {
            let outcome = if index < *merged { &Outcome::Merged } else { outcome };
            outcome.log(job, began, ended);
        }
    }
}
