//! The pauses before something is tried again: short ones within the attempt, or longer ones before another attempt.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shared::job::Job;

use crate::failure::{Failure, RetryPolicy};

/// The longest `Retry-After` for which an attempt waits.
const WAIT_WITHIN_MAX: Duration = Duration::from_secs(5);
/// The longest time that LINE may prepare content before its sender is notified.
const PREPARING_MAX: SignedDuration = SignedDuration::from_mins(10);
/// The shortest pause before LINE is asked again whether content is prepared.
const PREPARING_PAUSE: Duration = Duration::from_secs(2);
/// The longest pause before LINE is asked again whether content is prepared. Pauses grow with the message's age, so
/// that LINE is asked about sixty times: SQS gives up a message after a thousand receives.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// The pauses before something is tried again. Only tests change them.
#[derive(Clone, Debug)]
pub struct Pauses {
    /// The pauses after the first, second, third and every further failed attempt.
    pub between: [Duration; 4],
    /// The pauses before the second and the third try of one call within an attempt.
    pub within: [Duration; 2],
    /// The pauses that replace those of a step; with `None`, the step uses its own.
    pub of_steps: StepPauses,
}

/// The pauses that replace a step's own.
#[derive(Clone, Debug, Default)]
pub struct StepPauses {
    /// The pause of `turn/loading.rs`.
    pub loading: Option<Duration>,
    /// The shortest pause for content that LINE still prepares.
    pub preparing: Option<Duration>,
    /// The pause of `turn/broadcast_wait.rs`.
    pub broadcast: Option<Duration>,
    /// The longest wait of `turn/broadcast_wait.rs`.
    pub broadcast_max: Option<SignedDuration>,
}

impl Default for Pauses {
    fn default() -> Self {
        Self {
            between: [10, 30, 120, 300].map(Duration::from_secs),
            within: [500, 1_500].map(Duration::from_millis),
            of_steps: StepPauses::default(),
        }
    }
}

/// Returns the pause before the next attempt: longer after each one, or as long as the other side asks for.
pub(crate) fn between_attempts(pauses: &Pauses, attempts: u32, failure: &Failure) -> Duration {
    let index = (attempts.saturating_sub(1) as usize).min(pauses.between.len() - 1);
    match failure.retry {
        RetryPolicy::Retry(Some(after)) if after > WAIT_WITHIN_MAX => after,
        _ => jittered(pauses.between[index]),
    }
}

/// Returns the pause after a first attempt, or after an attempt whose number is not known.
pub fn first(pauses: &Pauses) -> Duration {
    jittered(pauses.between[0])
}

/// Returns the pause before another try within the attempt, or `None` if there is no other. `tries` is the number of
/// tries before the failed one.
pub(crate) fn within(pauses: &[Duration], tries: u32, failure: &Failure) -> Option<Duration> {
    let RetryPolicy::Retry(asked_for) = failure.retry else { return None };
    let pause = *pauses.get(tries as usize)?;
    match asked_for {
        None => Some(jittered(pause)),
        Some(wait) => (wait <= WAIT_WITHIN_MAX).then_some(wait.max(pause)),
    }
}

/// Returns the same pause, or the failure if there is no other try.
pub(crate) fn after(pauses: &[Duration], tries: u32, failure: Failure) -> Result<Duration, Failure> {
    within(pauses, tries, &failure).ok_or(failure)
}

/// Returns the pause before LINE is asked again for content that it prepares: a tenth of the time since the message.
/// Returns `None` once that time is too long.
pub(crate) fn for_content(pauses: &Pauses, job: &Job, now: Timestamp) -> Option<Duration> {
    let accepted_at = Timestamp::from_millisecond(job.accepted_at?).ok()?;
    pause_at(now.duration_since(accepted_at), pauses.of_steps.preparing.unwrap_or(PREPARING_PAUSE))
}

/// Returns the pause with up to a tenth more, so that work that failed together is not repeated together.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(1.0 + 0.1 * fastrand::f64())
}

/// Returns the pause for content of this age, at least `least`; `None` if LINE has prepared it for too long.
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
