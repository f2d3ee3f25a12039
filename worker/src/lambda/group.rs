//! Works on the records of one conversation in order: one attempt for each job, or one attempt for a merge of several.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use serde_json::json;
use shared::{event::log, job::Job, logging, traces};
use tokio::time::{Instant, timeout_at};

use super::{
    attempt::attempt, disposition, heartbeat::heartbeat, poison_job::Slot, record::Record, setup::Setup,
};
use crate::{
    clients::Clients,
    outcome::Disposition,
    turn::{
        merge::gather::{Gathered, gather},
        merge_result::MergeResult,
    },
};

/// The share of an invocation's time that must be left when a further job of a conversation begins, so that an answer
/// as slow as the one before still fits. To begin a job costs an attempt, and to hand it back does not.
const MIN_REMAINING_SHARE: f64 = 0.6;

/// The progress with a conversation's records.
#[derive(Default)]
struct Progress {
    /// The number of records that are done.
    done: usize,
    /// The number of records after them that must be answered one by one.
    one_by_one: usize,
    /// The time for which the other records are handed back; `None` if the work goes on.
    again: Option<Duration>,
}

impl Progress {
    /// Returns the progress after a job that `merged` earlier jobs are merged into. `next` is the result of that job.
    fn next(merged: usize, next: ControlFlow<Duration>) -> Self {
        match next {
            ControlFlow::Continue(()) => Self { done: merged + 1, ..Self::default() },
            ControlFlow::Break(again) => Self { done: merged, again: Some(again), one_by_one: 0 },
        }
    }
}

/// Works on one conversation in order, and returns the records that are done. Hands back all others, so that they
/// become visible at the same time.
pub(super) async fn process_group(
    setup: Arc<Setup>,
    mut records: Vec<Record>,
    slot: Slot,
    deadline: Instant,
) -> Vec<Record> {
    let receipts: Vec<_> = records.iter().map(|record| record.receipt.as_str()).collect();
    let latest = deadline - deadline.saturating_duration_since(Instant::now()).mul_f64(MIN_REMAINING_SHARE);
    let work = async {
        let (mut done, mut one_by_one) = (0, 0_usize);
        while let Some(next) = records.get(done) {
            if done > 0 && Instant::now() > latest {
                return (done, Some(Duration::ZERO));
            }
            let work = process_next(&setup, &records[done..], one_by_one > 0, &slot, latest, deadline);
            let progress = traces::step_of(next.trace.as_deref(), "turn", work).await;
            done += progress.done;
            one_by_one = progress.one_by_one.max(one_by_one.saturating_sub(progress.done));
            if progress.again.is_some() {
                return (done, progress.again);
            }
        }
        (done, None)
    };
    let (done, again) = tokio::select! {
        ended = work => ended,
        never = heartbeat(&setup.queue, setup.lease, &receipts) => match never {},
    };
    if let Some(again) = again
        && let Err(failure) = setup.queue.change_visibility(&receipts[done..], again).await
    {
        log!(warn, HandBackFailed, error = %logging::chain(&failure), "the queue did not take a job back: it comes again when its lease ends");
    }
    // Finished jobs are deleted at once. Lambda acknowledges them only when the whole batch is over, so the next
    // message of one user would wait for a slow answer to another user.
    if !slot.is_alone()
        && let Err(failure) = setup.queue.delete(&receipts[..done]).await
    {
        log!(warn, DeleteFailed, error = %logging::chain(&failure), "the queue did not delete finished jobs: they end with the batch");
    }
    records.truncate(done);
    records
}

/// Works on the first of these records, or on several at once if they can be merged. After `latest`, no job begins to
/// run alone.
async fn process_next(
    setup: &Arc<Setup>,
    records: &[Record],
    one_by_one: bool,
    slot: &Slot,
    latest: Instant,
    deadline: Instant,
) -> Progress {
    let record = &records[0];
    let Clients { config, storage, .. } = &setup.clients;
    let behind = records[1..].iter().map(|it| it.body.as_str());
    let first = match Job::decode(&record.body) {
        Ok(job) => job,
        Err(error) => return Progress::next(0, disposition::unreadable(setup, record, &error).await),
    };
    let Gathered { jobs, wait } = gather(config, first, behind, one_by_one, storage.now());
    if !wait.is_zero() {
        // SQS shows the next message of a conversation only when the first one is visible again.
        return Progress::next(0, ControlFlow::Break(wait));
    }
    traces::annotate(|turn| {
        turn["annotations"] = json!({ "event": jobs[0].event_id, "conversation": jobs[0].conversation });
        if let Some(sender) = record.trace.as_deref().and_then(traces::root) {
            turn["annotations"]["sender"] = sender.into();
        }
    });
    let has_later_message = records.len() > jobs.len();
    let mut ended = attempt(setup, &jobs, deadline, slot.is_alone(), has_later_message).await;
    if let MergeResult::Ended { outcome, .. } = &ended
        && let Disposition::RunAlone { attempts } = outcome.disposition()
    {
        log!(info, PoisonCandidate, event = %jobs[0].event_id, attempts, "the last attempt left no outcome: the job is tried alone");
        if timeout_at(latest, slot.run_alone(attempts)).await.is_err() {
            return Progress::next(0, ControlFlow::Break(Duration::ZERO));
        }
        ended = attempt(setup, &jobs, deadline, true, has_later_message).await;
    }
    match ended {
        MergeResult::OneByOne(one_by_one) => Progress { one_by_one, ..Progress::default() },
        MergeResult::Ended { merged, outcome } => {
            outcome.trace();
            let (record, job) = (&records[merged], &jobs[merged]);
            Progress::next(merged, disposition::carry_out(setup, record, job, &outcome).await)
        }
    }
}
