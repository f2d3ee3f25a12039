//! The chapter of telling: what the bot says of itself, when there is no answer to give.

use jiff::Timestamp;
use shared::{job::Job, logging};
use tokio::time::sleep;
use tracing::{error, info, warn};

use crate::{
    answer::Worker,
    history::{Step, key_is_alive},
    notice::Notice,
    outcome::{Failure, Outcome, Reason},
    reply,
};

impl Worker {
    /// Tells the user, once per event for ever, that there will be no answer. Called when the dead
    /// letter is safe. It is left out where the answer may have arrived, or LINE takes nothing.
    pub async fn apologise(&self, job: &Job, failure: &Failure, told_at: Option<Timestamp>) {
        use Reason::{DeliveryUnknown, JobUnreadable, LineAuth, LineQuota};
        if matches!(failure.reason, DeliveryUnknown | JobUnreadable | LineAuth | LineQuota) {
            return;
        }
        let now = self.now();
        if told_at.is_some_and(|at| !key_is_alive(at, now)) {
            return;
        }
        if told_at.is_none()
            && let Err(error) = self.history.record(job, Step::Telling, now).await
        {
            error!(event = %job.event_id, error = %logging::chain(&error), "the user was not told: no mark could be made");
            return;
        }
        let notice = if failure.reason == Reason::ModelRefused { Notice::Refused } else { Notice::NoAnswer };
        for body in reply::pushes(&job.conversation, notice.text(self.config.locale)) {
            if let Err((failure, _)) = self.push(&body, job.event_id.derive("apology")).await {
                warn!(event = %job.event_id, detail = failure.detail, "the user could not be told");
            }
        }
    }

    /// One polite word by the free reply token, never by push. Nothing is lost if LINE does not take
    /// it, so it is never dead-lettered.
    pub(crate) async fn give_notice(&self, job: &Job) -> Outcome {
        let Some(token) = &job.reply_token else { return Outcome::Noticed };
        let text = Notice::NotUnderstood.text(self.config.locale);
        let mut tries = 0;
        loop {
            let failure = match self.line.reply(token, text).await {
                Ok(said) => {
                    info!(event = %job.event_id, said, "noticed");
                    return Outcome::Noticed;
                }
                Err(failure) => failure,
            };
            let Some(pause) = self.pause_within(tries, &failure) else {
                warn!(event = %job.event_id, detail = failure.detail, "the notice could not be given");
                return Outcome::Noticed;
            };
            tries += 1;
            sleep(pause).await;
        }
    }
}
