//! Logs how many of the month's LINE messages are left, for an alarm. When none is left, LINE accepts no push any more,
//! and only a person can buy more messages.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::event::log;
use tokio::time::Instant;

use crate::adapters::line::LineClient;

/// The time between two requests of one process.
const INTERVAL: Duration = Duration::from_hours(1);
/// The time until the next request if LINE did not give the numbers, or if the plan has no limit.
const RETRY_INTERVAL: Duration = Duration::from_mins(10);

/// The time of the next request to LINE. Without a time, the next call asks at once.
#[derive(Default)]
pub struct QuotaWatch(Mutex<Option<Instant>>);

impl QuotaWatch {
    /// Asks LINE at the first call and then once an hour, and logs what is left if there is a limit.
    pub(super) async fn log_remaining(&self, line: &LineClient) {
        let now = Instant::now();
        if self.next().is_some_and(|next| now < next) {
            return;
        }
        *self.next() = Some(now + RETRY_INTERVAL);
        if let Some(quota) = line.quota().await {
            *self.next() = Some(now + INTERVAL);
            let left = quota.limit.saturating_sub(quota.used);
            log!(
                info,
                MonthQuota,
                limit = quota.limit,
                used = quota.used,
                left,
                "LINE messages of this month"
            );
        }
    }

    fn next(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
