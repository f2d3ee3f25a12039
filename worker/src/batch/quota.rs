//! What is left of the month's LINE messages, said in the log for an alarm: when they are used up, no answer
//! arrives any more, and only a person can buy more.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use tokio::time::Instant;
use tracing::info;

use crate::adapters::line::Line;

/// How often a process asks.
const EVERY: Duration = Duration::from_hours(1);

/// When LINE was last asked.
#[derive(Default)]
pub struct QuotaWatch(Mutex<Option<Instant>>);

impl QuotaWatch {
    /// Asks LINE at the first call and once an hour, and logs what is left where there is a limit.
    pub(super) async fn look(&self, line: &Line) {
        if self.is_due(Instant::now())
            && let Some(quota) = line.quota().await
        {
            let left = quota.limit.saturating_sub(quota.used);
            info!(limit = quota.limit, used = quota.used, left, "LINE messages of this month");
        }
    }

    fn is_due(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now - last >= EVERY);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}
