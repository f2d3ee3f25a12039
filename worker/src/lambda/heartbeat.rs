//! The heartbeat of a lease: messages stay invisible while this process lives, and not much longer.

use std::{convert::Infallible, time::Duration};

use shared::logging;
use tokio::time::sleep;
use tracing::warn;

use crate::adapters::sqs::Queue;

/// Renews the lease of these messages three times within its length, for ever.
pub(super) async fn heartbeat(queue: &Queue, lease: Duration, receipts: &[&str]) -> Infallible {
    loop {
        if let Err(failure) = queue.change_visibility(receipts, lease).await {
            warn!(error = %logging::chain(&failure), "a sign of life did not reach the queue");
        }
        sleep(lease / 3).await;
    }
}
