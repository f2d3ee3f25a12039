//! From records to jobs, and from what became of them to the queue: one turn, or several at once.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use serde_json::json;
use shared::{
    job::{EventId, Job, JobError},
    traces,
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, warn};

use super::{batch::Function, poison_job::Seat, receive_pause::pause, record::Record};
use crate::{
    failure::{Failure, Reason},
    outcome::Outcome,
    turn::merge::MergeResult,
    turn::{IsFollowed, Limits},
};

/// What was done with the first of a conversation's records.
#[derive(Default)]
pub(super) struct Worked {
    /// So many are done.
    pub(super) done: usize,
    /// So many of the others are not to be answered together.
    pub(super) apart: usize,
    /// The others are handed back for so long.
    pub(super) again: Option<Duration>,
}

impl Worked {
    /// So many are over, and this is known of the next.
    fn next(over: usize, next: ControlFlow<Duration>) -> Self {
        match next {
            ControlFlow::Continue(()) => Self { done: over + 1, ..Self::default() },
            ControlFlow::Break(again) => Self { done: over, again: Some(again), apart: 0 },
        }
    }
}

impl Function {
    /// Works on the first of these records, or where it may on several at once. After `latest` none begins
    /// to run alone.
    pub(super) async fn work(
        self: &Arc<Self>,
        records: &[Record],
        singly: bool,
        seat: &Seat,
        latest: Instant,
        deadline: Instant,
    ) -> Worked {
        let record = &records[0];
        let burst =
            if singly { vec![] } else { self.worker.burst(records.iter().map(|it| it.body.as_str())) };
        let jobs = if burst.is_empty() {
            match Job::decode(&record.body) {
                Ok(job) => vec![job],
                Err(error) => return Worked::next(0, self.misread(record, &error).await),
            }
        } else {
            burst
        };
        traces::tell(|turn| {
            turn["annotations"] = json!({ "event": jobs[0].event_id, "conversation": jobs[0].conversation });
            if let Some(sender) = record.trace.as_deref().and_then(traces::root) {
                turn["annotations"]["sender"] = sender.into();
            }
        });
        let is_followed = records.len() > jobs.len();
        let mut ended = self.attempt(&jobs, deadline, seat.is_alone(), is_followed).await;
        if let MergeResult::Ended { outcome: Outcome::Suspect { attempts }, .. } = ended {
            info!(event = %jobs[0].event_id, attempts, "its last attempt left no outcome: it waits to be run alone");
            if timeout_at(latest, seat.works_alone(attempts)).await.is_err() {
                return Worked::next(0, ControlFlow::Break(Duration::ZERO));
            }
            ended = self.attempt(&jobs, deadline, true, is_followed).await;
        }
        match ended {
            MergeResult::Apart(apart) => Worked { apart, ..Worked::default() },
            MergeResult::Ended { over, outcome } => {
                outcome.trace();
                Worked::next(over, self.settle(&records[over], &jobs[over], outcome).await)
            }
        }
    }

    /// What becomes of a body that is no job for this build.
    async fn misread(&self, record: &Record, error: &JobError) -> ControlFlow<Duration> {
        if let JobError::Newer(version) = error {
            warn!(message_id = record.id, version, "a newer build wrote this job; it waits for one");
            return ControlFlow::Break(pause(self.worker.first_pause(), record.receives));
        }
        let event = EventId::of_event(record.deduplication_id.as_deref(), None, record.body.as_bytes());
        let failure = Failure::lasting(Reason::JobUnreadable, error.to_string());
        self.bury(record, &record.body, &event, &failure, 0).await
    }

    /// Does with a record what the outcome says: it is done, or to be seen again after so long.
    async fn settle(&self, record: &Record, job: &Job, outcome: Outcome) -> ControlFlow<Duration> {
        match outcome {
            Outcome::Answered
            | Outcome::Merged
            | Outcome::AlreadyAnswered
            | Outcome::Noticed
            | Outcome::Forgotten => ControlFlow::Continue(()),
            Outcome::GivenBack | Outcome::Suspect { .. } => ControlFlow::Break(Duration::ZERO),
            Outcome::NotReady { after } => ControlFlow::Break(after),
            Outcome::Later { after, failure } => {
                warn!(
                    event = %job.event_id, reason = failure.reason.as_str(), detail = failure.detail,
                    after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX), "to be tried again"
                );
                ControlFlow::Break(after)
            }
            Outcome::NotBegun { after, failure } => {
                let after = pause(after, record.receives);
                warn!(
                    event = %job.event_id, reason = failure.reason.as_str(), detail = failure.detail,
                    receives = record.receives,
                    after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX), "to be tried again"
                );
                ControlFlow::Break(after)
            }
            Outcome::Dead { failure, attempts } => {
                let body = self.worker.in_letter(job, &record.body).await;
                self.bury(record, &body, &job.event_id, &failure, attempts).await?;
                self.worker.apologise(job, failure.reason).await;
                ControlFlow::Continue(())
            }
        }
    }

    /// One attempt, in a task of its own: a panic is that of these jobs alone.
    async fn attempt(
        self: &Arc<Self>,
        jobs: &[Job],
        deadline: Instant,
        alone: bool,
        is_followed: bool,
    ) -> MergeResult {
        let began = (self.worker.clock)();
        // Lambda tells nobody that it is about to stop a process: there is no stop but the deadline.
        let is_followed: IsFollowed = Box::new(move || Box::pin(std::future::ready(is_followed)));
        let limits = Limits { deadline, stop: CancellationToken::new(), alone, is_followed };
        let (this, own_jobs) = (self.clone(), jobs.to_vec());
        // A set, because it aborts its task where nobody waits for it any more. Boxed, because a task is moved several
        // times, and this one is large.
        let mut attempt = JoinSet::new();
        let span = tracing::info_span!("turn", event = %jobs[0].event_id);
        attempt.spawn(traces::kept(Box::pin(
            async move { this.worker.attempt(&own_jobs, &limits).await }.instrument(span),
        )));
        let ended = match attempt.join_next().await {
            Some(Ok(ended)) => ended,
            _ => self.worker.panicked(jobs).await,
        };
        ended.log(jobs, began, (self.worker.clock)());
        ended
    }
}
