//! From the queue to the worker and back: takes due jobs, one per conversation, runs an attempt at
//! each, and does with the job what the outcome says.

use std::{sync::Arc, time::Duration};

use shared::{
    job::{Job, JobError},
    logging,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use worker::{
    answer::{Limits, Worker},
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
        // Until the queue knows what became of it, the job stays leased; the lease's end is the net.
        while let Err(failure) = self.work(&claimed, &give_back).await {
            error!(event = claimed.event_id, error = %logging::chain(&failure), "a job's outcome was not written down");
            if give_back.is_cancelled() {
                return;
            }
            sleep(DATABASE_AGAIN).await;
        }
    }

    async fn work(
        self: &Arc<Self>,
        claimed: &Claimed,
        give_back: &CancellationToken,
    ) -> Result<(), DatabaseError> {
        let Claimed { seq, conversation, .. } = claimed;
        let job = match Job::decode(&claimed.body) {
            Ok(job) => job,
            Err(JobError::Newer(version)) => {
                warn!(event = claimed.event_id, version, "a newer henji wrote this job; it waits for one");
                return self.queue.hand_back(*seq, NEWER_AGAIN).await;
            }
            Err(error) => {
                let failure = Failure::lasting(Reason::JobUnreadable, error.to_string());
                self.dead(claimed, &failure, 0).await?;
                return self.queue.finish(*seq, conversation).await;
            }
        };
        match self.attempt(&job, give_back).await {
            Outcome::Answered | Outcome::AlreadyAnswered | Outcome::Noticed => {
                self.queue.finish(*seq, conversation).await
            }
            Outcome::GivenBack => self.queue.hand_back(*seq, Duration::ZERO).await,
            Outcome::Later { after, failure } => {
                warn!(
                    event = claimed.event_id,
                    reason = failure.reason.as_str(),
                    detail = failure.detail,
                    after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX),
                    "to be tried again"
                );
                self.queue.hand_back(*seq, after).await
            }
            Outcome::Dead { failure, attempts, told_at } => {
                self.dead(claimed, &failure, attempts).await?;
                self.worker.apologise(&job, &failure, told_at).await;
                self.queue.finish(*seq, conversation).await
            }
        }
    }

    /// One attempt, in a task of its own: a panic is that job's alone.
    async fn attempt(self: &Arc<Self>, job: &Job, give_back: &CancellationToken) -> Outcome {
        let limits = Limits { deadline: Instant::now() + self.job_timeout, stop: give_back.clone() };
        let (this, own_job) = (self.clone(), job.clone());
        let attempt = tokio::spawn(async move { this.worker.answer(&own_job, &limits).await });
        match attempt.await {
            Ok(outcome) => outcome,
            Err(_) => self.worker.panicked(job).await,
        }
    }

    async fn dead(&self, claimed: &Claimed, failure: &Failure, attempts: u32) -> Result<(), DatabaseError> {
        self.letters.write(claimed, failure, attempts).await?;
        error!(
            event = claimed.event_id,
            conversation = claimed.conversation,
            attempts,
            reason = failure.reason.as_str(),
            detail = failure.detail,
            "dead-lettered"
        );
        Ok(())
    }
}
