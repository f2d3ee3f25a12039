//! The chapter of the month's limit that is not reached: LINE refuses pushes for it while a broadcast has
//! messages reserved, and takes them again once that has ended.

use std::time::Duration;

use jiff::SignedDuration;
use shared::job::Job;
use tracing::warn;

use crate::{
    config::Pauses,
    failure::{Failure, Reason, RetryPolicy},
    history::{Step, Turn},
    retry_pauses::jittered,
    turn::Worker,
};

impl Worker {
    /// The failure of a push with what is to be done about it. A refusal for a limit that is not reached is tried
    /// again for minutes, in which no attempt is counted: they would be used up before a broadcast ends.
    pub(crate) async fn outlast_broadcast(&self, job: &Job, turn: &Turn, failure: Failure) -> Failure {
        if failure.reason != Reason::LineQuota || failure.remedy == RetryPolicy::Never {
            return failure;
        }
        let now = self.now();
        if turn.quota_since.is_none() {
            self.record(job, Step::QuotaRefused).await;
        }
        let waited = turn.quota_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        let remedy = remedy(waited, &self.config.pauses, self.config.give_up_after);
        warn!(event = %job.event_id, detail = failure.detail, ?remedy, "LINE refused a push for the month's limit");
        Failure { remedy, ..failure }
    }
}

/// The remedy for such a refusal, so long after the first one.
fn remedy(waited: SignedDuration, pauses: &Pauses, give_up_after: Duration) -> RetryPolicy {
    let lasts = waited < pauses.quota_max && waited.unsigned_abs() < give_up_after;
    if lasts { RetryPolicy::Wait(jittered(pauses.quota)) } else { RetryPolicy::Never }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_for_five_minutes_and_a_few_times_a_minute() {
        let pauses = Pauses::default();
        let (mut waited, mut tries) = (SignedDuration::ZERO, 0);
        while let RetryPolicy::Wait(pause) = remedy(waited, &pauses, Duration::from_mins(15)) {
            assert!(pause >= Duration::from_secs(15), "{pause:?}");
            waited += SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            tries += 1;
        }
        assert!((5 * 60..=6 * 60).contains(&waited.as_secs()), "{waited:?}");
        assert!((10..=20).contains(&tries), "{tries}");
        let minute = SignedDuration::from_mins(1);
        assert_eq!(
            remedy(minute, &pauses, Duration::from_mins(1)),
            RetryPolicy::Never,
            "nobody waits longer"
        );
    }
}
