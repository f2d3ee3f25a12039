//! One turn on one machine, or several at once if their messages wait together: from the claimed job to the order to
//! the queue.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    event::log,
    job::{Job, JobError},
    logging,
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use worker::{
    adapters::http::with_event_header,
    clients::Clients,
    failure::{Failure, Reason},
    outcome::{Disposition, Outcome},
    turn::{
        self,
        give_up::panicked,
        limits::{HasLaterMessage, Limits},
        merge::gather::{BEHIND_MAX, Gathered, gather, may_be_joined},
        merge_result::MergeResult,
    },
};

use super::disposition::{Ended, carry_out};
use crate::sqlite::{
    dead_letters::DeadLetters,
    queue::{Claimed, SqliteQueue},
};

/// The pause before a request that the database did not take is tried again.
pub(super) const DATABASE_AGAIN: Duration = Duration::from_secs(1);

/// The time after which a job of a newer version is looked at again.
const NEWER_AGAIN: Duration = Duration::from_mins(5);

/// The dispatcher, which is stage two on one machine.
pub struct Dispatcher {
    /// The queue of jobs.
    pub queue: Arc<SqliteQueue>,
    /// The dead letters.
    pub letters: DeadLetters,
    /// The clients of an attempt.
    pub clients: Clients,
    /// The number of conversations that are worked on at once.
    pub concurrency: u32,
    /// The longest that one attempt may take.
    pub job_timeout: Duration,
    /// The jobs that are worked on, by their `seq`.
    pub running: Mutex<HashSet<i64>>,
    /// The jobs that are to be answered one by one, by their `seq`.
    pub one_by_one: Mutex<HashSet<i64>>,
}

impl Dispatcher {
    pub(super) async fn turn(self: Arc<Self>, mut claimed: Claimed, give_back: CancellationToken) {
        let Some(slot) = Slot::take(&self.running, claimed.seq) else { return };
        // These futures are boxed, because a task is moved several times.
        let ended = loop {
            match Box::pin(self.work(claimed, &give_back)).await {
                Ok(ended) => break ended,
                Err(again) => claimed = again,
            }
        };
        // A job that is handed back may be claimed again at once. Its slot must be free then, or nobody would work on it
        // until its new lease ends.
        let is_letter = matches!(ended.outcome.disposition(), Disposition::DeadLetter { .. });
        let _slot = Some(slot).filter(|_| is_letter);
        self.carry_out_at_last(ended).await;
    }

    /// Makes an attempt at this job, and at the jobs behind it that are answered together with it. Returns the job as an
    /// error if it must be answered by itself.
    async fn work(
        self: &Arc<Self>,
        claimed: Claimed,
        give_back: &CancellationToken,
    ) -> Result<Ended, Claimed> {
        let is_alone = locked(&self.one_by_one).remove(&claimed.seq);
        let (mut all, gathered) = self.gather(claimed, is_alone).await;
        let (merged, job, outcome) = match gathered {
            Ok(Gathered { wait, .. }) if !wait.is_zero() => (0, None, Outcome::NotReady { after: wait }),
            Ok(Gathered { jobs, .. }) => {
                match self.attempt(&jobs, all[jobs.len() - 1].seq, give_back).await {
                    MergeResult::OneByOne(many) => {
                        locked(&self.one_by_one).extend(all[..many].iter().map(|it| it.seq));
                        return Err(all.swap_remove(0));
                    }
                    MergeResult::Ended { merged, outcome } => (merged, jobs.into_iter().nth(merged), outcome),
                }
            }
            Err(JobError::Newer(version)) => {
                let failure = Failure::retryable(
                    Reason::JobUnreadable,
                    format!("version {version} waits for a newer henji"),
                );
                (0, None, Outcome::Later { after: NEWER_AGAIN, failure })
            }
            Err(error) => {
                let failure = Failure::permanent(Reason::JobUnreadable, error.to_string());
                (0, None, Outcome::Dead { failure, attempts: 0 })
            }
        };
        let over = all[..merged].iter().map(|it| it.seq).collect();
        Ok(Ended { merged: over, claimed: all.swap_remove(merged), job, outcome })
    }

    /// Returns this job and those that wait behind it, as far as they may be answered together, and the jobs that are.
    async fn gather(&self, claimed: Claimed, is_alone: bool) -> (Vec<Claimed>, Result<Gathered, JobError>) {
        let Clients { config, storage, .. } = &self.clients;
        let first = Job::decode(&claimed.body);
        let mut all = vec![claimed];
        let first = match first {
            Ok(first) => first,
            Err(error) => return (all, Err(error)),
        };
        if !is_alone && may_be_joined(config, &first) {
            // If the database does not say which jobs wait, the job is not held up.
            all.extend(self.queue.behind(&all[0], BEHIND_MAX).await.unwrap_or_default());
            if let Some(first) = all.iter().position(|it| locked(&self.one_by_one).contains(&it.seq)) {
                all.truncate(first);
            }
        }
        let behind = all[1..].iter().map(|it| it.body.as_str());
        let gathered = gather(config, first, behind, is_alone, storage.now());
        (all, Ok(gathered))
    }

    /// Carries out the disposition, and repeats it until the queue has recorded it. Until then nobody else gets the
    /// job.
    async fn carry_out_at_last(&self, ended: Ended) {
        while let Err(failure) = carry_out(&self.queue, &self.letters, &self.clients, &ended).await {
            let event = &ended.claimed.event_id;
            log!(error, OutcomeNotRecorded, event, error = %logging::chain(&failure), "the queue did not record the outcome of a job: it is tried again");
            sleep(DATABASE_AGAIN).await;
        }
    }

    /// Makes one attempt in a task of its own, so that a panic affects only these jobs. `last` is the place of the last
    /// one in the queue.
    async fn attempt(
        self: &Arc<Self>,
        jobs: &[Job],
        last: i64,
        give_back: &CancellationToken,
    ) -> MergeResult {
        let storage = &self.clients.storage;
        let began = storage.now();
        let (this, of) = (self.clone(), jobs[0].group());
        let has_later_message: HasLaterMessage = Box::new(move || {
            let (this, of) = (this.clone(), of.clone());
            Box::pin(async move { this.queue.is_waited_for(of, last).await })
        });
        let deadline = Instant::now() + self.job_timeout;
        // Nothing is lost if the process ends here: the next start resumes at once the jobs that were in flight.
        let limits = Limits { deadline, stop: give_back.clone(), is_alone: true, has_later_message };
        let (this, own_jobs) = (self.clone(), jobs.to_vec());
        // The last job's turn holds the answer to several jobs.
        let event =
            jobs.last().filter(|_| this.clients.config.sends_event_header).map(|job| job.event_id.clone());
        let span = tracing::info_span!("turn", event = %jobs[0].event_id);
        let attempt = tokio::spawn(Box::pin(
            with_event_header(event, async move { turn::attempt(&this.clients, &own_jobs, &limits).await })
                .instrument(span),
        ));
        let ended = match attempt.await {
            Ok(ended) => ended,
            Err(_) => panicked(&self.clients.config, storage, jobs).await,
        };
        ended.log(jobs, began, storage.now());
        ended
    }
}

/// A job's slot among those that this process works on. It prevents a second attempt if a lease ends during a live one,
/// for example because the clock was set.
struct Slot<'a>(&'a Mutex<HashSet<i64>>, i64);

impl<'a> Slot<'a> {
    fn take(running: &'a Mutex<HashSet<i64>>, seq: i64) -> Option<Self> {
        let is_new = locked(running).insert(seq);
        is_new.then_some(Self(running, seq))
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        locked(self.0).remove(&self.1);
    }
}

fn locked(jobs: &Mutex<HashSet<i64>>) -> MutexGuard<'_, HashSet<i64>> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}
