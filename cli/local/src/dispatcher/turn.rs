//! One turn on one machine, or several at once where messages wait together: from what was claimed to what
//! the queue is told.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    job::{Job, JobError},
    logging,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, warn};
use worker::{
    failure::{Failure, Reason},
    outcome::Outcome,
    turn::merge::{MOST, MergeResult},
    turn::{IsFollowed, Limits, Worker},
};

use crate::sqlite::{
    DatabaseError,
    dead_letters::DeadLetters,
    queue::{Claimed, SqliteQueue},
};

/// How long to wait before trying again what the database did not take.
pub(super) const DATABASE_AGAIN: Duration = Duration::from_secs(1);

/// When a job of a newer version is looked at again.
const NEWER_AGAIN: Duration = Duration::from_mins(5);

/// Stage two on one machine.
pub struct Dispatcher {
    /// Where jobs come from.
    pub queue: Arc<SqliteQueue>,
    /// Where they go that cannot be answered.
    pub letters: DeadLetters,
    /// Who answers.
    pub worker: Worker,
    /// How many conversations are worked on at once.
    pub concurrency: u32,
    /// The longest that one attempt may take.
    pub job_timeout: Duration,
    /// The jobs that are worked on, by their `seq`.
    pub running: Mutex<HashSet<i64>>,
    /// Those that are not to be answered together with others.
    pub apart: Mutex<HashSet<i64>>,
}

/// What came of a turn.
struct Ended {
    /// The jobs that are over with it.
    over: Vec<i64>,
    /// The next one.
    claimed: Claimed,
    /// What it is, if it can be read.
    job: Option<Job>,
    outcome: Outcome,
}

impl Dispatcher {
    pub(super) async fn turn(self: Arc<Self>, claimed: Claimed, give_back: CancellationToken) {
        let Some(_place) = Place::take(&self.running, claimed.seq) else { return };
        // Boxed, because a task is moved several times.
        if let Some(claimed) = Box::pin(self.together(claimed, &give_back)).await {
            Box::pin(self.singly(claimed, &give_back)).await;
        }
    }

    /// An attempt at this job and those that wait behind it, where they may be answered together; else the job
    /// is given back.
    async fn together(self: &Arc<Self>, claimed: Claimed, give_back: &CancellationToken) -> Option<Claimed> {
        let is_apart = locked(&self.apart).remove(&claimed.seq);
        if is_apart || !self.worker.config.merges {
            return Some(claimed);
        }
        // A database that does not say who waits holds nothing up.
        let waiting = self.queue.behind(&claimed, MOST).await.unwrap_or_default();
        let mut all: Vec<Claimed> = [claimed].into_iter().chain(waiting).collect();
        if let Some(first) = all.iter().position(|it| locked(&self.apart).contains(&it.seq)) {
            all.truncate(first);
        }
        let jobs = self.worker.burst(all.iter().map(|it| it.body.as_str()));
        let Some(last) = jobs.len().checked_sub(1) else { return Some(all.swap_remove(0)) };
        match self.attempt(&jobs, all[last].seq, give_back).await {
            MergeResult::Apart(many) => {
                locked(&self.apart).extend(all[1..many].iter().map(|it| it.seq));
                Some(all.swap_remove(0))
            }
            MergeResult::Ended { over, outcome } => {
                let ended = Ended {
                    over: all[..over].iter().map(|it| it.seq).collect(),
                    claimed: all.swap_remove(over),
                    job: jobs.into_iter().nth(over),
                    outcome,
                };
                self.settle_at_last(ended).await;
                None
            }
        }
    }

    /// An attempt at one job.
    async fn singly(self: &Arc<Self>, claimed: Claimed, give_back: &CancellationToken) {
        let (job, outcome) = match Job::decode(&claimed.body).map(Box::new) {
            Ok(job) => match self.attempt(std::slice::from_ref(&*job), claimed.seq, give_back).await {
                MergeResult::Ended { outcome, .. } => (Some(*job), outcome),
                MergeResult::Apart(_) => (Some(*job), Outcome::GivenBack),
            },
            Err(JobError::Newer(version)) => {
                let failure = Failure::passing(
                    Reason::JobUnreadable,
                    format!("version {version} waits for a newer henji"),
                );
                (None, Outcome::Later { after: NEWER_AGAIN, failure })
            }
            Err(error) => {
                let failure = Failure::lasting(Reason::JobUnreadable, error.to_string());
                (None, Outcome::Dead { failure, attempts: 0 })
            }
        };
        self.settle_at_last(Ended { over: vec![], claimed, job, outcome }).await;
    }

    /// Until the queue knows what became of it, the job is nobody else's.
    async fn settle_at_last(&self, ended: Ended) {
        while let Err(failure) = self.settle(&ended).await {
            let event = &ended.claimed.event_id;
            error!(event, error = %logging::chain(&failure), "a job's outcome was not written down");
            sleep(DATABASE_AGAIN).await;
        }
    }

    /// Does with the jobs what the outcome says. It may be done twice.
    async fn settle(&self, ended: &Ended) -> Result<(), DatabaseError> {
        let Ended { over, claimed, job, outcome } = ended;
        let Claimed { seq, event_id, conversation, received, .. } = claimed;
        let mut was_taken_back = matches!(outcome, Outcome::Forgotten);
        match outcome {
            Outcome::Answered
            | Outcome::Merged
            | Outcome::AlreadyAnswered
            | Outcome::Noticed
            | Outcome::Forgotten => {}
            Outcome::GivenBack | Outcome::Suspect { .. } => {
                return self.queue.hand_back(over, *seq, Duration::ZERO).await;
            }
            Outcome::NotReady { after } => return self.queue.hand_back(over, *seq, *after).await,
            Outcome::Later { after, failure: Failure { reason, detail, .. } }
            | Outcome::NotBegun { after, failure: Failure { reason, detail, .. } } => {
                let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                warn!(
                    event = event_id,
                    reason = reason.as_str(),
                    detail,
                    received,
                    after_ms,
                    "to be tried again"
                );
                return self.queue.hand_back(over, *seq, *after).await;
            }
            Outcome::Dead { failure, attempts } => {
                let body = match job {
                    Some(job) => self.worker.in_letter(job, &claimed.body).await,
                    None => claimed.body.clone(),
                };
                self.letters.write(claimed, body, failure, *attempts).await?;
                let Failure { reason, detail, .. } = failure;
                error!(
                    event = event_id,
                    conversation,
                    attempts,
                    reason = reason.as_str(),
                    detail,
                    "dead-lettered"
                );
                if let Some(job) = job {
                    self.worker.apologise(job, failure.reason).await;
                    was_taken_back = self.worker.in_letter(job, &claimed.body).await != claimed.body;
                }
            }
        }
        self.queue.finish(over, *seq, conversation).await?;
        if was_taken_back {
            // The words of the job that went.
            self.queue.leaves_no_trace().await;
        }
        Ok(())
    }

    /// One attempt, in a task of its own: a panic is that of these jobs alone. `last` is the last one's
    /// place in the queue.
    async fn attempt(
        self: &Arc<Self>,
        jobs: &[Job],
        last: i64,
        give_back: &CancellationToken,
    ) -> MergeResult {
        let began = (self.worker.clock)();
        // Nothing is lost with a process here: the next start takes up at once what was in flight.
        let (this, of) = (self.clone(), jobs[0].group());
        let is_followed: IsFollowed = Box::new(move || {
            let (this, of) = (this.clone(), of.clone());
            Box::pin(async move { this.queue.is_waited_for(of, last).await })
        });
        let deadline = Instant::now() + self.job_timeout;
        let limits = Limits { deadline, stop: give_back.clone(), alone: true, is_followed };
        let (this, own_jobs) = (self.clone(), jobs.to_vec());
        let span = tracing::info_span!("turn", event = %jobs[0].event_id);
        let attempt = tokio::spawn(Box::pin(
            async move { this.worker.attempt(&own_jobs, &limits).await }.instrument(span),
        ));
        let ended = match attempt.await {
            Ok(ended) => ended,
            Err(_) => self.worker.panicked(jobs).await,
        };
        ended.log(jobs, began, (self.worker.clock)());
        ended
    }
}

/// A job's place among those that this process works on. A lease that ended under a live attempt, as
/// when the clock was set, must not start a second one.
struct Place<'a>(&'a Mutex<HashSet<i64>>, i64);

impl<'a> Place<'a> {
    fn take(running: &'a Mutex<HashSet<i64>>, seq: i64) -> Option<Self> {
        let is_new = locked(running).insert(seq);
        is_new.then_some(Self(running, seq))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        locked(self.0).remove(&self.1);
    }
}

fn locked(jobs: &Mutex<HashSet<i64>>) -> MutexGuard<'_, HashSet<i64>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}
