//! The records of one conversation, in order: one attempt after the other, or one at several that are one question.

use std::{ops::ControlFlow, sync::Arc, time::Duration};

use serde_json::json;
use shared::{job::Job, log, logging, traces};
use tokio::time::{Instant, timeout_at};

use super::{
    attempt::attempt, disposition, heartbeat::heartbeat, poison_job::Slot, record::Record, setup::Setup,
};
use crate::{
    outcome::Disposition,
    turn::{merge::mergeable, merge_result::MergeResult},
};

/// The part of an invocation's time that must be left for a further job of a conversation to begin: an
/// answer as slow as the one before still fits in. Beginning costs an attempt, handing back does not.
const ENOUGH: f64 = 0.6;

/// The progress with a conversation's records.
#[derive(Default)]
struct Progress {
    /// So many are done.
    done: usize,
    /// So many of the others are to be answered one by one.
    one_by_one: usize,
    /// The others are handed back for so long.
    again: Option<Duration>,
}

impl Progress {
    /// So many are answered by the next one, and this is known of that one.
    fn next(merged: usize, next: ControlFlow<Duration>) -> Self {
        match next {
            ControlFlow::Continue(()) => Self { done: merged + 1, ..Self::default() },
            ControlFlow::Break(again) => Self { done: merged, again: Some(again), one_by_one: 0 },
        }
    }
}

/// Works on one conversation, in order, and returns what is done. The rest is handed back, all of it to be seen again
/// at the same time.
pub(super) async fn process_group(
    setup: Arc<Setup>,
    mut records: Vec<Record>,
    slot: Slot,
    deadline: Instant,
) -> Vec<Record> {
    let receipts: Vec<_> = records.iter().map(|record| record.receipt.as_str()).collect();
    let latest = deadline - deadline.saturating_duration_since(Instant::now()).mul_f64(ENOUGH);
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
    // Lambda acknowledges only when the whole batch is over: a fast user would wait for a slow
    // stranger with the next message.
    if !slot.is_alone()
        && let Err(failure) = setup.queue.delete(&receipts[..done]).await
    {
        log!(warn, DeleteFailed, error = %logging::chain(&failure), "the queue did not delete finished jobs: they end with the batch");
    }
    records.truncate(done);
    records
}

/// Works on the first of these records, or where it may on several at once. After `latest` none begins
/// to run alone.
async fn process_next(
    setup: &Arc<Setup>,
    records: &[Record],
    one_by_one: bool,
    slot: &Slot,
    latest: Instant,
    deadline: Instant,
) -> Progress {
    let record = &records[0];
    let bodies = || records.iter().map(|it| it.body.as_str());
    let mut jobs = if one_by_one { vec![] } else { mergeable(&setup.clients.config, bodies()) };
    if jobs.is_empty() {
        match Job::decode(&record.body) {
            Ok(job) => jobs.push(job),
            Err(error) => return Progress::next(0, disposition::unreadable(setup, record, &error).await),
        }
    }
    traces::tell(|turn| {
        turn["annotations"] = json!({ "event": jobs[0].event_id, "conversation": jobs[0].conversation });
        if let Some(sender) = record.trace.as_deref().and_then(traces::root) {
            turn["annotations"]["sender"] = sender.into();
        }
    });
    let is_followed = records.len() > jobs.len();
    let mut ended = attempt(setup, &jobs, deadline, slot.is_alone(), is_followed).await;
    if let MergeResult::Ended { outcome, .. } = &ended
        && let Disposition::RunAlone { attempts } = outcome.disposition()
    {
        log!(info, PoisonCandidate, event = %jobs[0].event_id, attempts, "the last attempt left no outcome: the job is tried alone");
        if timeout_at(latest, slot.run_alone(attempts)).await.is_err() {
            return Progress::next(0, ControlFlow::Break(Duration::ZERO));
        }
        ended = attempt(setup, &jobs, deadline, true, is_followed).await;
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
