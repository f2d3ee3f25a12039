//! How long to pause before something is tried again: soon within the attempt, or later in another one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shared::job::Job;

use crate::{
    config::Pauses,
    failure::{Failure, RetryPolicy},
};

/// The longest `Retry-After` that is waited for within an attempt.
const WAIT_WITHIN_MAX: Duration = Duration::from_secs(5);
/// How long LINE may prepare content before its sender is told.
const PREPARING_MAX: SignedDuration = SignedDuration::from_mins(10);
/// The longest pause before LINE is asked again whether it is prepared. Pauses grow with the message's
/// age, so that it is asked some sixty times: SQS gives up a message after a thousand.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// The pause before the next attempt: longer after each, or as long as the other side asks for.
pub(crate) fn between_attempts(pauses: &Pauses, attempts: u32, failure: &Failure) -> Duration {
    let index = (attempts.saturating_sub(1) as usize).min(pauses.between.len() - 1);
    match failure.retry {
        RetryPolicy::Retry(Some(after)) if after > WAIT_WITHIN_MAX => after,
        _ => jittered(pauses.between[index]),
    }
}

/// The pause after an attempt that is the first one as far as anybody knows.
pub fn first(pauses: &Pauses) -> Duration {
    jittered(pauses.between[0])
}

/// The pause before another try within the attempt, after so many tries; `None` if there is to be none.
pub(crate) fn within(pauses: &[Duration], tries: u32, failure: &Failure) -> Option<Duration> {
    let RetryPolicy::Retry(asked_for) = failure.retry else { return None };
    let pause = *pauses.get(tries as usize)?;
    match asked_for {
        None => Some(jittered(pause)),
        Some(wait) => (wait <= WAIT_WITHIN_MAX).then_some(wait.max(pause)),
    }
}

/// The same, or the failure where there is to be no other try.
pub(crate) fn after(pauses: &[Duration], tries: u32, failure: Failure) -> Result<Duration, Failure> {
    within(pauses, tries, &failure).ok_or(failure)
}

/// The pause before LINE is asked again for content that it prepares, a tenth of what was waited already; `None` once
/// that is too long.
pub(crate) fn for_content(job: &Job, now: Timestamp, least: Duration) -> Option<Duration> {
    let accepted_at = Timestamp::from_millisecond(job.accepted_at?).ok()?;
    pause_at(now.duration_since(accepted_at), least)
}

/// Up to a tenth more, so that what failed together does not come back together.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(1.0 + 0.1 * fastrand::f64())
}

/// The pause for content that was sent so long ago, and at least.
fn pause_at(age: SignedDuration, least: Duration) -> Option<Duration> {
    let pause = (age.unsigned_abs() / 10).clamp(least, PAUSE_MAX);
    (age < PREPARING_MAX).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_asked_far_less_often_than_sqs_hands_over_a_message() {
        let (mut age, mut looks) = (SignedDuration::ZERO, 0);
        while let Some(pause) = pause_at(age, Duration::from_secs(2)) {
            age += SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
            looks += 1;
        }
        assert!((50..70).contains(&looks), "{looks}");
    }
}
