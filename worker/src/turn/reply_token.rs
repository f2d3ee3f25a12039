//! The chapter of the free reply: when a reply token may be used, and what its refusal says.
//!
//! A reply is not metered, and a push is. But a reply has no retry key: only its token, which is good once
//! and for a minute, keeps it from being said twice. So a push takes its place only when it was certainly
//! not said, and an outcome that is unknown stays so.

use jiff::SignedDuration;
use shared::{job::Job, traces};
use tokio::time::Instant;
use tracing::{debug, info};

use crate::{
    adapters::line::{Profile, SendError},
    config::DeliveryMode,
    failure::{Failure, Reason, RetryPolicy},
    history::{Answer, Delivery, ForgetMarker, PushState, SendMethod, Step, StoreResult},
    locale::Locale,
    text::messages::{self, Reply},
    turn::time_budget::Attempt,
    turn::{AttemptError, Worker},
};

/// How old a webhook may be for its token to be used (LINE, "Send reply message": within a minute).
const YOUNG: SignedDuration = SignedDuration::from_secs(50);
/// How old it may be for the same reply to be asked again what became of it.
const LIFE: SignedDuration = SignedDuration::from_secs(60);

impl Worker {
    /// The job's reply token, if its webhook is no older than this. A redriven job's is long spent.
    fn token<'a>(&self, job: &'a Job, age: SignedDuration) -> Option<&'a str> {
        let accepted_at = jiff::Timestamp::from_millisecond(job.accepted_at?).ok()?;
        let is_good = job.run.is_none() && self.now().duration_since(accepted_at) < age;
        job.reply_token.as_deref().filter(|_| is_good)
    }

    /// Stores an answer, and says whether its first part goes by the free reply: notices do whenever they
    /// can, the model's answers where `DELIVERY` says so.
    pub(crate) async fn keep(
        &self,
        job: &Job,
        mut answer: Answer,
        seen: Option<ForgetMarker>,
        token_is_spent: bool,
    ) -> Result<StoreResult, Failure> {
        let wants = answer.exchange.is_none() || self.config.delivery == DeliveryMode::ReplyFirst;
        answer.by_reply = wants && !token_is_spent && self.token(job, YOUNG).is_some();
        let store = self.persist(|| self.history.store(job, answer.clone(), seen, self.now()));
        let kept = traces::step("store", store).await?;
        debug!(event = %job.event_id, pushes = answer.pushes.len(), "stored");
        Ok(kept)
    }

    /// Replies with the first part of a delivery, and returns what is left to push. Where an
    /// earlier attempt may have replied, no refusal of this one disproves that. Only the newest attempt may take
    /// to pushing, as another may be replying meanwhile.
    pub(crate) async fn reply_first(
        &self,
        job: &Job,
        delivery: Delivery,
        attempt: &Attempt<'_>,
    ) -> Result<Delivery, AttemptError> {
        let Some(push) = delivery.pushes.first() else { return Ok(delivery) };
        let (failure, unknown) = match self.token(job, LIFE) {
            None => {
                (Failure::lasting(Reason::DeliveryUnknown, "the reply token is too old to ask again"), true)
            }
            Some(token) => {
                let body = messages::by_token(token, push);
                let (mut pauses, mut was_unknown) = (0, false);
                loop {
                    let Err((failure, unknown)) = self.reply(job, &body).await else {
                        debug!(event = %job.event_id, "replied");
                        let (state, method) = (PushState::Refused, SendMethod::Push);
                        return Ok(Delivery { pushed: 1, state, method, ..delivery });
                    };
                    was_unknown |= unknown;
                    if !self.waits(job, &mut pauses, &failure, attempt.deadline).await? {
                        break (failure, was_unknown);
                    }
                }
            }
        };
        if !unknown && !matches!(delivery.state, PushState::Unknown { .. }) {
            info!(event = %job.event_id, detail = failure.detail, "the free reply was refused: it is pushed");
            let (now, attempts) = (self.now(), attempt.number);
            self.persist(|| self.history.record(job, Step::NotReplied { attempts }, now)).await?;
            let (state, method) = (PushState::Untried { since: now }, SendMethod::Push);
            return Ok(Delivery { state, method, ..delivery });
        }
        let remedy = if self.token(job, LIFE).is_some() { failure.remedy } else { RetryPolicy::Never };
        let failure = Failure { reason: Reason::DeliveryUnknown, remedy, ..failure };
        Err(AttemptError { failure, delivery: Some(delivery) })
    }

    /// One reply; on failure, whether its outcome is unknown.
    async fn reply(&self, job: &Job, body: &str) -> Result<(), (Failure, bool)> {
        let own = traces::step("reply", self.line.reply(body)).await.map_err(SendError::parts)?;
        self.remember_own(job, &own).await;
        Ok(())
    }

    /// Says something by the free reply token and never by push; true if LINE took it.
    pub(crate) async fn say_free(&self, job: &Job, reply: &Reply<'_>) -> bool {
        let Some(token) = &job.reply_token else { return false };
        let Some(push) = messages::pushes(&job.conversation, reply).into_iter().next() else { return false };
        let body = messages::by_token(token, &push);
        match self.again(|| self.reply(job, &body)).await {
            Ok(()) => true,
            Err(Failure { detail, .. }) => {
                info!(event = %job.event_id, detail, "LINE did not take a free reply");
                false
            }
        }
    }

    /// When the user's patience is over: `PATIENCE_SECONDS` after the webhook, in private chats.
    pub(crate) fn patience_ends(&self, job: &Job) -> Option<Instant> {
        let patience = self.config.patience?;
        let accepted_at = jiff::Timestamp::from_millisecond(job.accepted_at?).ok()?;
        self.token(job, YOUNG).filter(|_| job.is_private())?;
        let waited = self.now().duration_since(accepted_at).unsigned_abs();
        Some(Instant::now() + patience.saturating_sub(waited))
    }

    /// One notice that it takes longer, unless the message was taken back.
    pub(crate) async fn say_still_thinking(&self, job: &Job) {
        if self.is_taken_back(job).await {
            return;
        }
        let text = self.locale(job).words().still_thinking;
        let said = self.say_free(job, &text.into()).await;
        info!(event = %job.event_id, said, "asked for patience");
    }

    /// Who the user is; nobody in a group.
    pub(crate) async fn profile(&self, job: &Job) -> Profile {
        if job.is_private() { self.line.profile(job.conversation.as_str()).await } else { Profile::default() }
    }

    /// The language of the user, as far as it is known by now.
    pub(crate) fn locale(&self, job: &Job) -> Locale {
        let profile = self.line.known_profile(job.conversation.as_str());
        profile.and_then(|profile| profile.locale).unwrap_or(self.config.locale)
    }

    /// Works, and meanwhile gets to know the user. It never takes longer for that.
    pub(crate) async fn while_asking_who<T>(&self, job: &Job, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => done,
            _ = self.profile(job) => work.await,
        }
    }
}
