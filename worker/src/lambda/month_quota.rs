//! Logs the rest of the month's LINE messages, for an alarm: when they are used up, no answer
//! arrives any more, and only a person can buy more.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::log;
use tokio::time::Instant;

use crate::adapters::line::LineClient;

/// The time between two questions of a process.
const EVERY: Duration = Duration::from_hours(1);
/// When it asks again where LINE did not say, or where there is no limit.
const AGAIN: Duration = Duration::from_mins(10);

/// When LINE is to be asked next; at once where there is no such time.
#[derive(Default)]
pub struct QuotaWatch(Mutex<Option<Instant>>);

impl QuotaWatch {
    /// Asks LINE at the first call and once an hour, and logs what is left where there is a limit.
    pub(super) async fn look(&self, line: &LineClient) {
        let now = Instant::now();
        if self.next().is_some_and(|next| now < next) {
            return;
        }
        *self.next() = Some(now + AGAIN);
        if let Some(quota) = line.quota().await {
            *self.next() = Some(now + EVERY);
            let left = quota.limit.saturating_sub(quota.used);
            log!(
                info,
                MonthQuota,
                limit = quota.limit,
                used = quota.used,
                left,
                "LINE told the quota of this month"
            );
        }
    }

    fn next(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
