//! The heartbeat of a lease: messages stay invisible as long as this process runs, and not much longer.

use std::{convert::Infallible, time::Duration};

use shared::{event::log, logging};
use tokio::time::sleep;

use crate::adapters::sqs::Queue;

/// Renews the lease of these messages three times within its length, and never returns.
pub(super) async fn heartbeat(queue: &Queue, lease: Duration, receipts: &[&str]) -> Infallible {
    loop {
        if let Err(failure) = queue.change_visibility(receipts, lease).await {
            log!(warn, HeartbeatFailed, error = %logging::chain(&failure), "the queue did not take a heartbeat: the job may come again while it is answered");
        }
        sleep(lease / 3).await;
    }
}
