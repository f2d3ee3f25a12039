//! The chapter of delivering: what is stored is pushed, request by request, each under a key derived
//! from event and part, so that LINE itself takes each once. The first may go by the free reply instead
//! (`by_reply`).

use shared::{
    job::{EventId, Job, MessageId},
    traces,
};
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    adapters::line::SendError,
    answer::{Setback, Worker},
    history::{Delivery, Step},
    outcome::{Failure, Reason},
};

/// The key of one push of an event.
pub fn retry_key(event: &EventId, part: u32) -> Uuid {
    event.derive(&format!("push/{part}"))
}

impl Worker {
    /// Delivers what is not certainly accepted yet. `tried` says that the next request may have been
    /// accepted by an earlier attempt, which no refusal of this one disproves; `attempts` is this one's
    /// number.
    pub(crate) async fn deliver(
        &self,
        job: &Job,
        mut delivery: Delivery,
        mut tried: bool,
        attempts: u32,
    ) -> Result<(), Setback> {
        if delivery.by_reply {
            delivery = self.reply_first(job, delivery, tried, attempts).await?;
            tried = false;
        }
        while let Some(body) = delivery.pushes.get(delivery.pushed as usize) {
            let now = self.now();
            if !delivery.may_be_pushed(now) {
                let detail =
                    format!("LINE may have push {} and no longer knows its key", delivery.pushed + 1);
                let failure = Failure::lasting(Reason::DeliveryUnknown, detail);
                return Err(Setback { failure, delivery: Some(delivery) });
            }
            if delivery.unknown_since.is_none() {
                // From here on a crash leaves its outcome unknown: say so first.
                let step = Step::Pushing { pushed: delivery.pushed };
                self.persist(|| self.history.record(job, step.clone(), now)).await?;
                delivery.unknown_since = Some(now);
            }
            if let Err((mut failure, unknown)) =
                self.push(job, body, retry_key(&job.event_id, delivery.pushed)).await
            {
                if tried || unknown {
                    failure.reason = Reason::DeliveryUnknown;
                } else {
                    delivery.unknown_since = None;
                }
                return Err(Setback { failure, delivery: Some(delivery) });
            }
            delivery.pushed += 1;
            tried = false;
        }
        Ok(())
    }

    /// One push with the short retries of an attempt; on failure, whether its outcome is unknown.
    pub(crate) async fn push(&self, job: &Job, body: &str, key: Uuid) -> Result<(), (Failure, bool)> {
        let own = traces::step("push", self.send(job, || self.line.push(body, key))).await?;
        self.remember_own(job, &own).await;
        Ok(())
    }

    /// One request with the short retries of an attempt, and the messages that it sent; on failure, whether
    /// its outcome is unknown. What is taken back meanwhile is not tried again: the next attempt
    /// ends in silence.
    pub(crate) async fn send<F>(
        &self,
        job: &Job,
        request: impl Fn() -> F,
    ) -> Result<Vec<MessageId>, (Failure, bool)>
    where
        F: Future<Output = Result<Vec<MessageId>, SendError>>,
    {
        let mut unknown = false;
        let mut token_is_fresh = false;
        let mut tries = 0;
        loop {
            let failure = match request().await {
                Ok(own) => return Ok(own),
                Err(SendError::Unauthorized(failure)) => {
                    if !token_is_fresh && self.line.reread_token().await {
                        token_is_fresh = true;
                        continue;
                    }
                    failure
                }
                Err(SendError::Refused(failure)) => failure,
                Err(SendError::Unknown(failure)) => {
                    unknown = true;
                    failure
                }
            };
            let Some(pause) = self.pause_within(tries, &failure) else {
                return Err((failure, unknown));
            };
            tries += 1;
            sleep(pause).await;
            if self.is_taken_back(job).await {
                return Err((failure, unknown));
            }
        }
    }
}
