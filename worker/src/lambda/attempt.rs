//! Runs one attempt in a task of its own, so that a panic affects only the jobs of this attempt.

use std::sync::Arc;

use shared::{job::Job, traces};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::setup::Setup;
use crate::turn::{
    self,
    give_up::panicked,
    limits::{HasLaterMessage, Limits},
    merge_result::MergeResult,
};

/// Attempts these jobs and logs the result. A panic counts as a failed attempt.
pub(super) async fn attempt(
    setup: &Arc<Setup>,
    jobs: &[Job],
    deadline: Instant,
    is_alone: bool,
    has_later_message: bool,
) -> MergeResult {
    let storage = &setup.clients.storage;
    let began = storage.now();
    // Lambda does not notify a function before it stops the process, so the deadline is the only stop.
    let has_later_message: HasLaterMessage =
        Box::new(move || Box::pin(std::future::ready(has_later_message)));
    let limits = Limits { deadline, stop: CancellationToken::new(), is_alone, has_later_message };
    let (own, own_jobs) = (setup.clone(), jobs.to_vec());
    // A `JoinSet` aborts its task when no caller waits for it any more. The future is boxed, because a task is moved
    // several times, and this one is large.
    let mut attempt = JoinSet::new();
    let span = tracing::info_span!("turn", event = %jobs[0].event_id);
    attempt.spawn(traces::with_current_span(Box::pin(
        async move { turn::attempt(&own.clients, &own_jobs, &limits).await }.instrument(span),
    )));
    let ended = match attempt.join_next().await {
        Some(Ok(ended)) => ended,
        _ => panicked(&setup.clients.config, storage, jobs).await,
    };
    ended.log(jobs, began, storage.now());
    ended
}
