//! SQS in, `batchItemFailures` out: the conversations of a batch run side by side, each in order (`group`).

use std::{collections::HashSet, sync::Arc, time::Duration};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use shared::traces;
use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use super::{group::process_group, poison_job::slots, record::Record, setup::Setup};

/// The part of an invocation's time that is reserved to record why an attempt ended, and to hand jobs back.
const HAND_BACK_MARGIN: Duration = Duration::from_secs(2);
/// The part of an invocation's time that is reserved to answer the invocation.
const RESPONSE_MARGIN: Duration = Duration::from_millis(300);
/// The longest time that a finished batch waits until the month's LINE messages are read.
const QUOTA_WAIT_MAX: Duration = Duration::from_millis(200);

/// Works on a batch and returns the messages to hand back, before Lambda ends the process at `end`.
pub async fn handle(setup: Arc<Setup>, event: SqsEvent, end: Instant) -> SqsBatchResponse {
    let before_end = |margin| end.checked_sub(margin).unwrap_or(end);
    let (deadline, response_deadline) = (before_end(HAND_BACK_MARGIN), before_end(RESPONSE_MARGIN));
    let mut groups: Vec<Vec<Record>> = vec![];
    for record in event.records.into_iter().map(Record::from) {
        match groups.iter_mut().find(|records| records[0].group == record.group) {
            Some(records) => records.push(record),
            None => groups.push(vec![record]),
        }
    }
    // Each message is handed back unless its task reports it as done, even if the task fails.
    let all: Vec<String> = groups.iter().flatten().map(|record| record.id.clone()).collect();
    let mut done = HashSet::new();
    let mut running = JoinSet::new();
    let slots = slots(groups.len());
    for (records, slot) in groups.into_iter().zip(slots) {
        running.spawn(traces::with_current_span(Box::pin(process_group(
            setup.clone(),
            records,
            slot,
            deadline,
        ))));
    }
    // The request for the month's messages is aborted if it ends later than the answers and `QUOTA_WAIT_MAX`.
    let mut quota_task = JoinSet::new();
    quota_task.spawn(async move { setup.quota.log_remaining(&setup.clients.line).await });
    // If AWS hangs at the end, the batch does not wait for it: the leases expire by themselves.
    while let Ok(Some(ended)) = timeout_at(response_deadline, running.join_next()).await {
        done.extend(ended.into_iter().flatten().map(|record| record.id));
    }
    let _ = timeout_at(response_deadline.min(Instant::now() + QUOTA_WAIT_MAX), quota_task.join_next()).await;
    let mut response = SqsBatchResponse::default();
    all.into_iter().filter(|id| !done.contains(id)).for_each(|id| response.add_failure(id));
    response
}
