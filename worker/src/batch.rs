//! SQS in, `batchItemFailures` out: conversations side by side, one conversation in order. What an
//! attempt leads to is [`crate::answer`]'s part; here the queue is told. A job that may have ended its
//! last worker is run when its neighbours have ended (`floor`).

use std::{collections::HashSet, convert::Infallible, ops::ControlFlow, sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use serde_json::json;
use shared::{
    job::{EventId, Job, JobError},
    logging, traces,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, info, warn};

use self::{
    floor::{Seat, seats},
    record::Record,
};
use crate::{
    adapters::sqs::Queue,
    answer::{IsFollowed, Limits, Worker},
    outcome::{Failure, Outcome, Reason},
};

mod bury;
mod floor;
pub mod quota;
mod record;

/// What is kept back of an invocation's time for writing down why an attempt ended, and handing back.
const MARGIN: Duration = Duration::from_secs(2);
/// What is kept back for answering the invocation.
const LAST_CALL: Duration = Duration::from_millis(300);
/// How long a batch that is done waits for what is no part of it.
const ASIDE: Duration = Duration::from_millis(200);
/// When a job of a newer version is looked at again.
const NEWER_AGAIN: Duration = Duration::from_mins(5);
/// The part of an invocation's time that must be left for a further job of a conversation to begin: an
/// answer as slow as the one before still fits in. Beginning costs an attempt, handing back does not.
const ENOUGH: f64 = 0.6;

/// Stage two as a Lambda function.
pub struct Function {
    /// Who answers.
    pub worker: Worker,
    /// Where jobs come from and letters go.
    pub queue: Queue,
    /// How long a job stays invisible after the last sign of life.
    pub lease: Duration,
    /// Who looks after the month's LINE messages.
    pub quota: quota::QuotaWatch,
    /// The event whose attempts panic.
    pub panics_at: Option<String>,
}

impl Function {
    /// Works on a batch and names the messages that are handed back, before Lambda ends the process at
    /// `end`.
    pub async fn handle(self: &Arc<Self>, event: SqsEvent, end: Instant) -> SqsBatchResponse {
        let before_end = |margin| end.checked_sub(margin).unwrap_or(end);
        let (deadline, last_call) = (before_end(MARGIN), before_end(LAST_CALL));
        let mut conversations: Vec<Vec<Record>> = vec![];
        for record in event.records.into_iter().map(Record::from) {
            match conversations.iter_mut().find(|records| records[0].group == record.group) {
                Some(records) => records.push(record),
                None => conversations.push(vec![record]),
            }
        }
        // What nobody reports as done is handed back, whatever happened to its task.
        let all: Vec<String> = conversations.iter().flatten().map(|record| record.id.clone()).collect();
        let mut done = HashSet::new();
        let mut running = JoinSet::new();
        let seats = seats(conversations.len());
        for (records, seat) in conversations.into_iter().zip(seats) {
            running.spawn(traces::kept(Box::pin(self.clone().converse(records, seat, deadline))));
        }
        // Aborted where it takes longer than the answers.
        let (this, mut aside) = (self.clone(), JoinSet::new());
        aside.spawn(async move { this.quota.look(&this.worker.line).await });
        // An AWS that hangs at the very end is not waited for: the leases end by themselves.
        while let Ok(Some(ended)) = timeout_at(last_call, running.join_next()).await {
            done.extend(ended.into_iter().flatten().map(|record| record.id));
        }
        let _ = timeout_at(last_call.min(Instant::now() + ASIDE), aside.join_next()).await;
        let mut response = SqsBatchResponse::default();
        all.into_iter().filter(|id| !done.contains(id)).for_each(|id| response.add_failure(id));
        response
    }

    /// Works on one conversation, in order, and returns what is done. The rest is handed back, all of it
    /// to be seen again at the same time.
    async fn converse(
        self: Arc<Self>,
        mut records: Vec<Record>,
        seat: Seat,
        deadline: Instant,
    ) -> Vec<Record> {
        let receipts: Vec<_> = records.iter().map(|record| record.receipt.as_str()).collect();
        let latest = deadline - deadline.saturating_duration_since(Instant::now()).mul_f64(ENOUGH);
        let work = async {
            for (index, record) in records.iter().enumerate() {
                if index > 0 && Instant::now() > latest {
                    return (index, Some(Duration::ZERO));
                }
                let work = self.work(record, &records[index + 1..], &seat, latest, deadline);
                if let ControlFlow::Break(again) =
                    traces::step_of(record.trace.as_deref(), "turn", work).await
                {
                    return (index, Some(again));
                }
            }
            (records.len(), None)
        };
        let (done, again) = tokio::select! {
            ended = work => ended,
            never = self.show_life(&receipts) => match never {},
        };
        if let Some(again) = again
            && let Err(failure) = self.queue.hide(&receipts[done..], again).await
        {
            warn!(error = %logging::chain(&failure), "a job comes again only when its lease ends");
        }
        // Lambda acknowledges only when the whole batch is over: a fast user would wait for a slow
        // stranger with the next message.
        if !seat.is_alone()
            && let Err(failure) = self.queue.delete(&receipts[..done]).await
        {
            warn!(error = %logging::chain(&failure), "a finished conversation waits for the batch");
        }
        records.truncate(done);
        records
    }

    /// Keeps the messages invisible while this process lives, and not much longer.
    async fn show_life(&self, receipts: &[&str]) -> Infallible {
        loop {
            if let Err(failure) = self.queue.hide(receipts, self.lease).await {
                warn!(error = %logging::chain(&failure), "a sign of life did not reach the queue");
            }
            sleep(self.lease / 3).await;
        }
    }

    /// One record: done, or when to see it again. After `latest` it does not begin to run alone.
    async fn work(
        self: &Arc<Self>,
        record: &Record,
        later: &[Record],
        seat: &Seat,
        latest: Instant,
        deadline: Instant,
    ) -> ControlFlow<Duration> {
        let job = match Job::decode(&record.body) {
            Ok(job) => job,
            Err(JobError::Newer(version)) => {
                warn!(message_id = record.id, version, "a newer build wrote this job; it waits for one");
                return ControlFlow::Break(NEWER_AGAIN);
            }
            Err(unreadable) => {
                let event =
                    EventId::of_event(record.deduplication_id.as_deref(), None, record.body.as_bytes());
                let failure = Failure::lasting(Reason::JobUnreadable, unreadable.to_string());
                return self.bury(record, &event, &failure, 0).await;
            }
        };
        traces::tell(|turn| {
            turn["annotations"] = json!({ "event": job.event_id, "conversation": job.conversation });
            if let Some(sender) = record.trace.as_deref().and_then(traces::root) {
                turn["annotations"]["sender"] = sender.into();
            }
        });
        let mut outcome = self.attempt(&job, deadline, seat.is_alone(), !later.is_empty()).await;
        if let Outcome::Suspect { attempts } = outcome {
            info!(event = %job.event_id, attempts, "its last attempt left no outcome: it waits to be run alone");
            if timeout_at(latest, seat.works_alone(attempts)).await.is_err() {
                return ControlFlow::Break(Duration::ZERO);
            }
            outcome = self.attempt(&job, deadline, true, !later.is_empty()).await;
        }
        outcome.trace();
        match outcome {
            Outcome::Answered | Outcome::AlreadyAnswered | Outcome::Noticed | Outcome::Forgotten => {
                ControlFlow::Continue(())
            }
            Outcome::GivenBack | Outcome::Suspect { .. } => ControlFlow::Break(Duration::ZERO),
            Outcome::NotReady { after } => ControlFlow::Break(after),
            Outcome::Later { after, failure } => {
                warn!(
                    event = %job.event_id, reason = failure.reason.as_str(), detail = failure.detail,
                    after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX), "to be tried again"
                );
                ControlFlow::Break(after)
            }
            Outcome::Dead { failure, attempts } => {
                self.bury(record, &job.event_id, &failure, attempts).await?;
                self.worker.apologise(&job, failure.reason).await;
                ControlFlow::Continue(())
            }
        }
    }

    /// One attempt, in a task of its own: a panic is that job's alone.
    async fn attempt(
        self: &Arc<Self>,
        job: &Job,
        deadline: Instant,
        alone: bool,
        is_followed: bool,
    ) -> Outcome {
        let began = (self.worker.clock)();
        // Lambda tells nobody that it is about to stop a process: there is no stop but the deadline.
        let is_followed: IsFollowed = Box::new(move || Box::pin(std::future::ready(is_followed)));
        let limits = Limits { deadline, stop: CancellationToken::new(), alone, is_followed };
        let (this, own_job) = (self.clone(), job.clone());
        // A set, because it aborts its task where nobody waits for it any more. Boxed, because a task is
        // moved several times, and this one is large.
        let mut attempt = JoinSet::new();
        let span = tracing::info_span!("turn", event = %job.event_id);
        attempt.spawn(traces::kept(Box::pin(
            async move {
                assert!(
                    this.panics_at.as_deref() != Some(own_job.event_id.as_str()),
                    "PANIC_ON_EVENT says so"
                );
                this.worker.answer(&own_job, &limits).await
            }
            .instrument(span),
        )));
        let outcome = match attempt.join_next().await {
            Some(Ok(outcome)) => outcome,
            _ => self.worker.panicked(job).await,
        };
        outcome.log(job, began, (self.worker.clock)());
        outcome
    }
}
