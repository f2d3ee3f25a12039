//! When something is tried again: at once within the attempt, or later in another one.

use std::{pin::Pin, time::Duration};

use jiff::{SignedDuration, Timestamp};
use shared::{job::Job, logging};
use tokio::time::Instant;

use crate::{
    failure::{Failure, Reason, RetryPolicy},
    history::HistoryError,
    outcome::Outcome,
    retry_loop::retry,
    rules::run_budget::paid_out,
    turn::Worker,
    turn::time_budget::Attempt,
};

/// The longest `Retry-After` that is waited for within an attempt.
const WAIT_WITHIN_MAX: Duration = Duration::from_secs(5);
/// How long LINE may prepare content before its sender is told.
const PREPARING_MAX: SignedDuration = SignedDuration::from_mins(10);
/// The longest pause before LINE is asked again whether it is prepared. Pauses grow with the message's
/// age, so that it is asked some sixty times: SQS gives up a message after a thousand.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// What a method of [`crate::history::History`] returns.
type Attempted<'a, T> = Pin<Box<dyn Future<Output = Result<T, HistoryError>> + Send + 'a>>;

impl Worker {
    /// Short faults of the storage are tried again within the attempt: an answer was paid for.
    pub(crate) async fn persist<'a, T>(&self, work: impl Fn() -> Attempted<'a, T>) -> Result<T, Failure> {
        let work = || async { work().await.map_err(|error| storage_failed(&error)) };
        retry(work, |tries, failure| self.pause_after(tries, failure)).await
    }

    /// Hands a job back, to be attempted again after a pause that grows.
    pub(crate) fn later(&self, attempts: u32, failure: Failure) -> Outcome {
        Outcome::Later { after: self.pause_between(attempts, &failure), failure }
    }

    /// How long to wait before the next attempt: longer after each, or as long as the other side asks for.
    pub(crate) fn pause_between(&self, attempts: u32, failure: &Failure) -> Duration {
        let between = &self.config.pauses.between;
        let index = (attempts.saturating_sub(1) as usize).min(between.len() - 1);
        match failure.remedy {
            RetryPolicy::Retry(Some(after)) if after > WAIT_WITHIN_MAX => after,
            _ => jittered(between[index]),
        }
    }

    /// How long to wait before the model is called again within an attempt; its failure where it is not.
    pub(crate) fn pause_before_call(
        &self,
        tries: u32,
        failure: &Failure,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<Duration, Failure> {
        if attempt.may_pay().is_err() {
            return Err(paid_out(failure));
        }
        let pause = self.pause_within(tries, failure).filter(|pause| Instant::now() + *pause < deadline);
        pause.ok_or_else(|| failure.clone())
    }

    /// How long to wait before another try within the attempt; `None` if there is to be none.
    pub(crate) fn pause_within(&self, tries: u32, failure: &Failure) -> Option<Duration> {
        let RetryPolicy::Retry(asked_for) = failure.remedy else { return None };
        let pause = *self.config.pauses.within.get(tries as usize)?;
        match asked_for {
            None => Some(jittered(pause)),
            Some(wait) => (wait <= WAIT_WITHIN_MAX).then_some(wait.max(pause)),
        }
    }

    /// The same, or the failure where there is to be none.
    pub(crate) fn pause_after(&self, tries: u32, failure: Failure) -> Result<Duration, Failure> {
        self.pause_within(tries, &failure).ok_or(failure)
    }

    /// How long to wait for LINE, a tenth of what was waited already; `None` once that is too long.
    pub(crate) fn pause_for_line(&self, job: &Job) -> Option<Duration> {
        let accepted_at = Timestamp::from_millisecond(job.accepted_at?).ok()?;
        pause_at(self.now().duration_since(accepted_at), self.config.pauses.preparing)
    }
}

impl Worker {
    /// Hands a job back whose attempt could not begin.
    pub(crate) fn not_begun(&self, failure: Failure) -> Outcome {
        Outcome::NotBegun { after: self.first_pause(), failure }
    }

    /// The pause after an attempt that is the first one as far as anybody knows.
    pub(crate) fn first_pause(&self) -> Duration {
        jittered(self.config.pauses.between[0])
    }
}

pub(crate) fn storage_failed(error: &HistoryError) -> Failure {
    let detail = logging::chain(error);
    if error.passing {
        Failure::passing(Reason::StorageFailed, detail)
    } else {
        Failure::lasting(Reason::StorageFailed, detail)
    }
}

/// Up to a tenth more, so that what failed together does not come back together.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(1.0 + 0.1 * fastrand::f64())
}

/// How long to wait for what was sent so long ago, and at least.
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
