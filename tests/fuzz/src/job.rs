//! The queue's JSON: a job that is read is written back the same, and an error quotes nothing of the input.

use shared::job::{Job, JobError, VERSION};

use crate::webhook::crosses_the_queue;

/// Checks the body of a queue's message; returns whether it is a job.
pub fn holds(body: &[u8]) -> bool {
    let Ok(body) = std::str::from_utf8(body) else { return false };
    match Job::decode(body) {
        Ok(job) => {
            assert!((1..=VERSION).contains(&job.v));
            crosses_the_queue(&job);
            return true;
        }
        Err(JobError::Newer(version)) => assert!(version > VERSION),
        Err(error @ JobError::Unreadable(_)) => {
            let said = error.to_string();
            let known = said.strip_prefix("not a job: ").unwrap();
            let place = |word: &str| known.starts_with(word) && known.contains(" error at line ");
            let is_place = ["Syntax", "Eof", "Data"].into_iter().any(place);
            assert!(is_place || known == "version 0 was never written", "{said}");
            assert!(said.len() < 80, "{said}");
        }
    }
    false
}
