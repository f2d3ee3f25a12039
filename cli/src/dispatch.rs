//! From the queue to the worker and back: takes due jobs, one per conversation, runs an attempt at
//! each, and does with the job what the outcome says.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use shared::{
    job::{Job, JobError},
    logging,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, warn};
use worker::{
    answer::{IsFollowed, Limits, Worker},
    outcome::{Failure, Outcome, Reason},
};

use crate::sqlite::{
    DatabaseError,
    letters::Letters,
    queue::{Claimed, SqliteQueue},
};

/// How often the queue is looked at without the bell: for retries that `henji dlq` or the clock made due.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// How long what is in flight may finish after the process was told to stop.
const FINISHING: Duration = Duration::from_secs(5);
/// How long it may then take to give the rest back.
const GIVING_BACK: Duration = Duration::from_secs(3);
/// How long a lease outlasts the attempt it is for.
const LEASE_MARGIN: Duration = Duration::from_mins(1);
/// When a job of a newer version is looked at again.
const NEWER_AGAIN: Duration = Duration::from_mins(5);
/// How long to wait before trying again what the database did not take.
const DATABASE_AGAIN: Duration = Duration::from_secs(1);
/// How often old state is swept.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Stage two on one machine.
pub struct Dispatcher {
    /// Where jobs come from.
    pub queue: Arc<SqliteQueue>,
    /// Where they go that cannot be answered.
    pub letters: Letters,
    /// Who answers.
    pub worker: Worker,
    /// How many conversations are worked on at once.
    pub concurrency: u32,
    /// The longest that one attempt may take.
    pub job_timeout: Duration,
    /// The jobs that are worked on, by their `seq`.
    pub running: Mutex<HashSet<i64>>,
}

/// Works until `stop`, then finishes or gives back what is in flight.
pub async fn run(dispatcher: Arc<Dispatcher>, stop: CancellationToken) {
    let give_back = CancellationToken::new();
    let mut running = JoinSet::new();
    let mut swept = Instant::now() - SWEEP_EVERY;
    while !stop.is_cancelled() {
        if swept.elapsed() >= SWEEP_EVERY {
            swept = Instant::now();
            running.spawn(sweep(dispatcher.clone()));
        }
        let in_flight = u32::try_from(running.len()).unwrap_or(u32::MAX);
        let free = dispatcher.concurrency.saturating_sub(in_flight);
        let next = match dispatcher.claim(free).await {
            Ok((claimed, next)) => {
                for job in claimed {
                    running.spawn(dispatcher.clone().turn(job, give_back.clone()));
                }
                next
            }
            Err(failure) => {
                error!(error = %logging::chain(&failure), "no jobs could be taken");
                Some(DATABASE_AGAIN)
            }
        };
        let is_full = running.len() >= dispatcher.concurrency as usize;
        tokio::select! {
            () = stop.cancelled() => {}
            () = dispatcher.queue.bell.notified(), if !is_full => {}
            Some(_) = running.join_next(), if is_full => {}
            () = sleep(next.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)), if !is_full => {}
        }
        while running.try_join_next().is_some() {}
    }
    let finished = async { while running.join_next().await.is_some() {} };
    if timeout(FINISHING, finished).await.is_err() {
        give_back.cancel();
        // What does not even give back in time is dropped; the next start takes it up like after a crash.
        let rest = async { while running.join_next().await.is_some() {} };
        let _ = timeout(GIVING_BACK, rest).await;
    }
}

async fn sweep(dispatcher: Arc<Dispatcher>) {
    while let Ok(1..) = dispatcher.queue.sweep().await {}
}

impl Dispatcher {
    async fn claim(&self, free: u32) -> Result<(Vec<Claimed>, Option<Duration>), DatabaseError> {
        if free == 0 {
            return Ok((vec![], None));
        }
        self.queue.claim(free, self.job_timeout + LEASE_MARGIN).await
    }

    async fn turn(self: Arc<Self>, claimed: Claimed, give_back: CancellationToken) {
        let Some(_place) = Place::take(&self.running, claimed.seq) else { return };
        let what = self.outcome(&claimed, &give_back).await;
        // Until the queue knows what became of it, the job is nobody else's.
        while let Err(failure) = self.settle(&claimed, &what).await {
            error!(event = claimed.event_id, error = %logging::chain(&failure), "a job's outcome was not written down");
            sleep(DATABASE_AGAIN).await;
        }
    }

    async fn outcome(
        self: &Arc<Self>,
        claimed: &Claimed,
        give_back: &CancellationToken,
    ) -> (Option<Job>, Outcome) {
        match Job::decode(&claimed.body) {
            Ok(job) => {
                let outcome = self.attempt(&job, give_back).await;
                (Some(job), outcome)
            }
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
        }
    }

    /// Does with the job what the outcome says. It may be done twice.
    async fn settle(
        &self,
        claimed: &Claimed,
        (job, outcome): &(Option<Job>, Outcome),
    ) -> Result<(), DatabaseError> {
        let Claimed { seq, event_id, conversation, received, .. } = claimed;
        match outcome {
            Outcome::Answered | Outcome::AlreadyAnswered | Outcome::Noticed | Outcome::Forgotten => {}
            Outcome::GivenBack | Outcome::Suspect { .. } => {
                return self.queue.hand_back(*seq, Duration::ZERO).await;
            }
            Outcome::NotReady { after } => return self.queue.hand_back(*seq, *after).await,
            Outcome::Later { after, failure: Failure { reason, detail, .. } } => {
                let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                warn!(
                    event = event_id,
                    reason = reason.as_str(),
                    detail,
                    received,
                    after_ms,
                    "to be tried again"
                );
                return self.queue.hand_back(*seq, *after).await;
            }
            Outcome::Dead { failure, attempts } => {
                self.letters.write(claimed, failure, *attempts).await?;
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
                }
            }
        }
        self.queue.finish(*seq, conversation).await
    }

    /// One attempt, in a task of its own: a panic is that job's alone.
    async fn attempt(self: &Arc<Self>, job: &Job, give_back: &CancellationToken) -> Outcome {
        let began = (self.worker.clock)();
        // Nothing is lost with a process here: the next start takes up at once what was in flight.
        let (this, of) = (self.clone(), job.group());
        let is_followed: IsFollowed = Box::new(move || {
            let (this, of) = (this.clone(), of.clone());
            Box::pin(async move { this.queue.is_waited_for(of).await })
        });
        let deadline = Instant::now() + self.job_timeout;
        let limits = Limits { deadline, stop: give_back.clone(), alone: true, is_followed };
        let (this, own_job) = (self.clone(), job.clone());
        let span = tracing::info_span!("turn", event = %job.event_id);
        let attempt =
            tokio::spawn(async move { this.worker.answer(&own_job, &limits).await }.instrument(span));
        let outcome = match attempt.await {
            Ok(outcome) => outcome,
            Err(_) => self.worker.panicked(job).await,
        };
        outcome.log(job, began, (self.worker.clock)());
        outcome
    }
}

/// A job's place among those that this process works on. A lease that ended under a live attempt, as
/// when the clock was set, must not start a second one.
struct Place<'a>(&'a Mutex<HashSet<i64>>, i64);

impl<'a> Place<'a> {
    fn take(running: &'a Mutex<HashSet<i64>>, seq: i64) -> Option<Self> {
        let is_new = running.lock().unwrap_or_else(PoisonError::into_inner).insert(seq);
        is_new.then_some(Self(running, seq))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}
