//! The queue and its dead letters, read from outside the pipeline, which may not be running.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::state::Simulation;

/// The pause between two looks at the queue.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

impl Simulation {
    /// Whether no webhook is being delivered and no job is left.
    pub(crate) async fn is_idle(&self) -> bool {
        // The webhooks are checked first: a webhook counts as delivered only when its job is in the queue, so no job is
        // missed.
        if self.under_way.load(Relaxed) > 0 {
            return false;
        }
        let depth = self.pipeline.depth().await;
        depth["queued"] == 0 && depth["in_flight"] == 0
    }

    /// Adds an entry to the feed whenever the queue or its dead letters change.
    pub async fn keep_looking(self: Arc<Self>) {
        let (mut depth, mut letters) = (Value::Null, Value::Null);
        loop {
            let now = self.pipeline.depth().await;
            if !now.is_null() && now != depth {
                self.feed.tell("depth", now.clone());
                depth = now;
            }
            let list = self.pipeline.dead_letters().await;
            if list != letters {
                self.feed.tell("letters", json!({ "letters": list }));
                letters = list;
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Waits until the bot is idle, for at most this time; returns whether it is idle.
    pub(super) async fn wait_idle(&self, at_most: Duration) -> bool {
        let end = Instant::now() + at_most;
        while Instant::now() < end {
            if self.is_idle().await {
                return true;
            }
            sleep(LOOK_AGAIN).await;
        }
        false
    }
}
