//! One attempt in a task of its own, so that a panic is that of its jobs alone.

use std::sync::Arc;

use shared::{job::Job, traces};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::setup::Setup;
use crate::turn::{
    self,
    limits::{IsFollowed, Limits},
    merge::{MergeResult, split::panicked},
};

/// Attempts these jobs.
pub(super) async fn attempt(
    setup: &Arc<Setup>,
    jobs: &[Job],
    deadline: Instant,
    is_alone: bool,
    is_followed: bool,
) -> MergeResult {
    let storage = &setup.clients.storage;
    let began = storage.now();
    // Lambda tells nobody that it is about to stop a process: there is no stop but the deadline.
    let is_followed: IsFollowed = Box::new(move || Box::pin(std::future::ready(is_followed)));
    let limits = Limits { deadline, stop: CancellationToken::new(), is_alone, is_followed };
    let (own, own_jobs) = (setup.clone(), jobs.to_vec());
    // A set, because it aborts its task where nobody waits for it any more. Boxed, because a task is moved several
    // times, and this one is large.
    let mut attempt = JoinSet::new();
    let span = tracing::info_span!("turn", event = %jobs[0].event_id);
    attempt.spawn(traces::kept(Box::pin(
        async move { turn::attempt(&own.clients, &own_jobs, &limits).await }.instrument(span),
    )));
    let ended = match attempt.join_next().await {
        Some(Ok(ended)) => ended,
        _ => panicked(&setup.clients.config, storage, jobs).await,
    };
    ended.log(jobs, began, storage.now());
    ended
}
