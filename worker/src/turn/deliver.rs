//! The chapter of delivering: what is stored is pushed, request by request, each under a key derived
//! from event and part, so that LINE itself takes each once. The first may go by the free reply instead
//! (`by_reply`).

use futures_util::FutureExt;
use shared::{
    job::{EventId, Job},
    traces,
};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::{
    adapters::line::SendError,
    failure::{Failure, Reason},
    history::{Delivery, PushState, SendMethod, Step, Turn},
    retry_loop::retry,
    turn::time_budget::Attempt,
    turn::{AttemptError, Worker},
};

/// The key of one push of an event.
pub fn retry_key(event: &EventId, part: u32) -> Uuid {
    event.derive(&format!("push/{part}"))
}

impl Worker {
    /// Delivers what is not certainly accepted yet. Where an earlier attempt may have had the next push accepted,
    /// no refusal of this one disproves that.
    pub(crate) async fn deliver(
        &self,
        job: &Job,
        turn: &Turn,
        mut delivery: Delivery,
        attempt: &Attempt<'_>,
    ) -> Result<(), AttemptError> {
        if delivery.method == SendMethod::ReplyToken {
            delivery = self.reply_first(job, delivery, attempt).await?;
        }
        let mut pauses = 0;
        while let Some(body) = delivery.pushes.get(delivery.pushed as usize) {
            let now = self.now();
            if !delivery.may_be_pushed(now) {
                let detail =
                    format!("LINE may have push {} and no longer knows its key", delivery.pushed + 1);
                let failure = Failure::lasting(Reason::DeliveryUnknown, detail);
                return Err(AttemptError { failure, delivery: Some(delivery) });
            }
            if delivery.state == PushState::Refused {
                // From here on a crash leaves its outcome unknown: say so first.
                let step = Step::Pushing { pushed: delivery.pushed };
                self.persist(|| self.history.record(job, step.clone(), now)).await?;
                delivery.state = PushState::Untried { since: now };
            }
            let key = retry_key(&job.event_id, delivery.pushed);
            let Err((failure, unknown)) = self.push(job, body, key).await else {
                delivery.pushed += 1;
                (delivery.state, pauses) = (delivery.state.of_next_part(), 0);
                if (delivery.pushed as usize) < delivery.pushes.len() {
                    self.stands(job).await?;
                }
                continue;
            };
            if unknown && let PushState::Untried { since } = delivery.state {
                delivery.state = PushState::Unknown { since };
            }
            let mut failure = self.outlast_broadcast(job, turn, failure).await;
            if matches!(delivery.state, PushState::Unknown { .. }) {
                failure.reason = Reason::DeliveryUnknown;
            } else {
                delivery.state = PushState::Refused;
                // Before the pause: what is certainly unsaid is asked for anew where a part is taken back meanwhile.
                let refused = Some(delivery.clone());
                let reason = failure.reason;
                let failed = Step::Failed { reason, delivery: refused, gave_up: false, cost: None };
                self.record(job, failed).await;
            }
            if !self.waits(job, &mut pauses, &failure, attempt.deadline).await? {
                return Err(AttemptError { failure, delivery: Some(delivery) });
            }
        }
        Ok(())
    }

    /// Waits until a part of a stored answer is to be tried again; false if it is not, within this attempt. An
    /// error where nothing more of it shall be said.
    pub(crate) async fn waits(
        &self,
        job: &Job,
        pauses: &mut u32,
        failure: &Failure,
        deadline: Instant,
    ) -> Result<bool, Failure> {
        let pause = self.pause_within(*pauses, failure);
        let Some(pause) = pause.filter(|pause| Instant::now() + *pause < deadline) else { return Ok(false) };
        *pauses += 1;
        sleep(pause).await;
        self.stands(job).await?;
        Ok(true)
    }

    /// One push; on failure, whether its outcome is unknown.
    pub(crate) async fn push(&self, job: &Job, body: &str, key: Uuid) -> Result<(), (Failure, bool)> {
        let own = traces::step("push", self.line.push(body, key)).await.map_err(SendError::parts)?;
        self.remember_own(job, &own).await;
        Ok(())
    }

    /// A request that says nothing of a stored answer, with the short retries of an attempt.
    pub(crate) async fn again<F>(&self, request: impl Fn() -> F) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), (Failure, bool)>>,
    {
        let work = || request().map(|done| done.map_err(|(failure, _)| failure));
        retry(work, |tries, failure| self.pause_after(tries, failure)).await
    }
}
