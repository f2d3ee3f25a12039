//! SQS in, `batchItemFailures` out: conversations side by side, one conversation in order. What an
//! attempt leads to is [`crate::turn`]'s part; here the queue is told. A job that may have ended its
//! last worker is run when its neighbours have ended (`floor`).

use std::{collections::HashSet, convert::Infallible, sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::{logging, traces};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};
use tracing::warn;

use super::{
    poison_job::{Seat, seats},
    record::Record,
};
use crate::{adapters::sqs::Queue, turn::Worker};

/// What is kept back of an invocation's time for writing down why an attempt ended, and handing back.
const MARGIN: Duration = Duration::from_secs(2);
/// What is kept back for answering the invocation.
const LAST_CALL: Duration = Duration::from_millis(300);
/// How long a batch that is done waits for what is no part of it.
const ASIDE: Duration = Duration::from_millis(200);
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
    pub quota: super::quota_watch::QuotaWatch,
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
            let (mut done, mut singly) = (0, 0_usize);
            while let Some(next) = records.get(done) {
                if done > 0 && Instant::now() > latest {
                    return (done, Some(Duration::ZERO));
                }
                let work = self.work(&records[done..], singly > 0, &seat, latest, deadline);
                let worked = traces::step_of(next.trace.as_deref(), "turn", work).await;
                done += worked.done;
                singly = worked.apart.max(singly.saturating_sub(worked.done));
                if worked.again.is_some() {
                    return (done, worked.again);
                }
            }
            (done, None)
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
}
