//! Finds the jobs at the front of a conversation that are answered together.

use std::time::Duration;

use jiff::Timestamp;
use shared::{event::log, job::Job};

use crate::{
    config::Config,
    rules::waiting::{self, TOGETHER_MAX, joins},
};

/// The number of jobs behind the first one that decide what is answered together with it, and whether it waits.
pub const BEHIND_MAX: u32 = TOGETHER_MAX;

/// The jobs at the front of a conversation that are answered together: one job, or several.
pub struct Gathered {
    /// The jobs, in their order.
    pub jobs: Vec<Job>,
    /// The time that they wait for more before they begin; zero if they are due.
    pub wait: Duration,
}

/// Returns the jobs that are answered together at this time. `first` is the first job of a conversation, and the bodies
/// behind it wait. A job that must be answered by itself is alone and due.
pub fn gather<'a>(
    config: &Config,
    first: Job,
    behind: impl Iterator<Item = &'a str>,
    is_alone: bool,
    now: Timestamp,
) -> Gathered {
    let mut jobs = vec![first];
    if is_alone {
        return Gathered { jobs, wait: Duration::ZERO };
    }
    let mut is_followed = false;
    for body in behind {
        match Job::decode(body) {
            Ok(job) if joins(&jobs, &job, config.merges) => jobs.push(job),
            _ => {
                is_followed = true;
                break;
            }
        }
    }
    let wait = waiting::wait(&jobs, is_followed, now);
    if !wait.is_zero() {
        log!(debug, WaitsForMore, event = %jobs[0].event_id, "images wait for other images or for words");
    }
    Gathered { jobs, wait }
}

/// Whether jobs behind this one decide how it is answered: see [`gather`].
pub fn may_be_joined(config: &Config, job: &Job) -> bool {
    waiting::may_be_joined(job, config.merges)
}
