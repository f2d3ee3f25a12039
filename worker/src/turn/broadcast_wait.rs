//! The broadcast wait: while a broadcast has messages reserved, LINE refuses pushes because of a month's limit that is
//! not reached. It accepts them again after the broadcast has ended.

use std::time::Duration;

use jiff::SignedDuration;
use shared::{event::log, job::Job};

use crate::{
    config::Config,
    failure::{Failure, Reason, RetryPolicy},
    history::{Step, Turn},
    retry_pauses::{Pauses, StepPauses, jittered},
    storage::Storage,
};

/// The pause before a push is tried again, after LINE refused it because of a month's limit that is not reached.
const PAUSE: Duration = Duration::from_secs(15);
/// The longest time for which the push is tried, from the first such refusal on.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);

/// Decides what follows from the failure of a push. After a refusal because of a limit that is not reached, the push is
/// tried for minutes. No attempt is counted in that time, because all would be used up before a broadcast ends.
pub(crate) async fn apply_broadcast_wait(
    config: &Config,
    storage: &Storage,
    job: &Job,
    turn: &Turn,
    failure: Failure,
) -> Failure {
    if failure.reason != Reason::LineQuota || failure.retry == RetryPolicy::Never {
        return failure;
    }
    let now = storage.now();
    if turn.quota_since.is_none() {
        storage.record_or_log(job, Step::QuotaRefused).await;
    }
    let waited = turn.quota_since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
    let retry = retry_policy(waited, &config.pauses, config.give_up_after);
    log!(warn, MonthLimitRefused, event = %job.event_id, detail = failure.detail, ?retry, "LINE refused a push because of the month's limit");
    Failure { retry, ..failure }
}

/// Returns the retry policy for such a refusal, if the first one was `waited` ago.
fn retry_policy(waited: SignedDuration, pauses: &Pauses, give_up_after: Duration) -> RetryPolicy {
    let StepPauses { broadcast, broadcast_max, .. } = pauses.of_steps;
    let lasts = waited < broadcast_max.unwrap_or(LONGEST) && waited.unsigned_abs() < give_up_after;
    if lasts { RetryPolicy::Wait(jittered(broadcast.unwrap_or(PAUSE))) } else { RetryPolicy::Never }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tried_for_five_minutes_and_a_few_times_a_minute() {
        let pauses = Pauses::default();
        let (mut waited, mut tries) = (SignedDuration::ZERO, 0);
        while let RetryPolicy::Wait(pause) = retry_policy(waited, &pauses, Duration::from_mins(15)) {
            assert!(pause >= Duration::from_secs(15), "{pause:?}");
            waited += SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            tries += 1;
        }
        assert!((5 * 60..=6 * 60).contains(&waited.as_secs()), "{waited:?}");
        assert!((10..=20).contains(&tries), "{tries}");
        let minute = SignedDuration::from_mins(1);
        assert_eq!(
            retry_policy(minute, &pauses, Duration::from_mins(1)),
            RetryPolicy::Never,
            "nobody waits longer"
        );
    }
}
