//! The dispatcher between the queue and the worker: takes due jobs, one per conversation, runs an attempt at each, and
//! does with the job what the outcome says (`disposition`).

use std::{sync::Arc, time::Duration};

use shared::{event::log, logging};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use self::turn::DATABASE_AGAIN;

mod disposition;
mod turn;

pub use self::turn::Dispatcher;

/// The time between two looks at the queue without a notification: `henji dlq` and the clock make retries due without
/// one.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The time for which running attempts may continue after the process was asked to stop.
const FINISHING: Duration = Duration::from_secs(5);
/// The time for which the rest may then be given back.
const GIVING_BACK: Duration = Duration::from_secs(3);
/// The time by which a lease is longer than its attempt.
const LEASE_MARGIN: Duration = Duration::from_mins(1);
/// The time between two sweeps of old state.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Runs attempts until `stop`, then finishes the running ones or gives them back.
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
        let lease = dispatcher.job_timeout + LEASE_MARGIN;
        let next = match dispatcher.queue.claim(free, lease).await {
            Ok((claimed, next)) => {
                for job in claimed {
                    running.spawn(dispatcher.clone().turn(job, give_back.clone()));
                }
                next
            }
            Err(failure) => {
                log!(error, JobsNotTaken, error = %logging::chain(&failure), "the queue gave no jobs: it is asked again");
                Some(DATABASE_AGAIN)
            }
        };
        // A due job waits for a free place, unless it changes a message.
        let is_full = running.len() >= dispatcher.concurrency as usize;
        let next = next.filter(|_| !is_full).unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
        tokio::select! {
            () = stop.cancelled() => {}
            () = dispatcher.queue.job_ready.notified() => {}
            Some(_) = running.join_next(), if is_full => {}
            () = sleep(next) => {}
        }
        while running.try_join_next().is_some() {}
    }
    let finished = async { while running.join_next().await.is_some() {} };
    if timeout(FINISHING, finished).await.is_err() {
        give_back.cancel();
        // Attempts that do not hand back in time, either, are dropped. The next start resumes them as after a crash.
        let rest = async { while running.join_next().await.is_some() {} };
        let _ = timeout(GIVING_BACK, rest).await;
    }
}

async fn sweep(dispatcher: Arc<Dispatcher>) {
    while let Ok(1..) = dispatcher.queue.sweep().await {}
}
