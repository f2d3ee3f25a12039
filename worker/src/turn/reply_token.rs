//! The free reply token: when it may be used, and what LINE's refusal of it says.
//!
//! A push is metered, and a reply is not. But a reply has no retry key: only its token, which is good once and for a
//! minute, keeps it from being said twice. So a push takes its place only where it was certainly not said, and an
//! outcome that is unknown stays so.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shared::job::Job;
use tokio::time::Instant;
use tracing::{debug, info};

use super::{attempt_error::AttemptError, line_retry, send, time_budget::Attempt};
use crate::{
    clients::Clients,
    config::{Config, DeliveryMode},
    failure::{Failure, Reason, RetryPolicy},
    history::{Answer, Delivery, PushState, SendMethod, Step},
    text::messages,
};

/// How old a webhook may be for its token to be used (LINE, "Send reply message": within a minute).
const YOUNG: SignedDuration = SignedDuration::from_secs(50);
/// How old it may be for LINE to be asked again what became of the same reply.
const LIFE: SignedDuration = SignedDuration::from_secs(60);

/// The job's reply token, if its webhook is no older than this. The token of a redriven job was used long ago.
fn token(job: &Job, age: SignedDuration, now: Timestamp) -> Option<&str> {
    let accepted_at = Timestamp::from_millisecond(job.accepted_at?).ok()?;
    let is_good = job.run.is_none() && now.duration_since(accepted_at) < age;
    job.reply_token.as_deref().filter(|_| is_good)
}

/// Whether the first part of an answer goes by the free reply: a notice whenever that is possible, a model's answer
/// where `DELIVERY` says so.
pub(crate) fn may_reply_first(
    config: &Config,
    job: &Job,
    answer: &Answer,
    token_is_spent: bool,
    now: Timestamp,
) -> bool {
    let wants = answer.exchange.is_none() || config.delivery == DeliveryMode::ReplyFirst;
    wants && !token_is_spent && token(job, YOUNG, now).is_some()
}

/// Replies with the first part of a delivery, and returns what is left to push. Where an earlier attempt may have
/// replied, no refusal of this reply disproves it. Only the newest attempt may take to pushing, because another may
/// be replying meanwhile.
pub(crate) async fn send_first(
    clients: &Clients,
    job: &Job,
    delivery: Delivery,
    attempt: &Attempt<'_>,
) -> Result<Delivery, AttemptError> {
    let Clients { config, storage, line, .. } = clients;
    let Some(push) = delivery.pushes.first() else { return Ok(delivery) };
    let (failure, is_unknown) = match token(job, LIFE, storage.now()) {
        None => (Failure::lasting(Reason::DeliveryUnknown, "the reply token is too old to ask again"), true),
        Some(token) => {
            let body = messages::by_token(token, push);
            let (mut tries, mut was_unknown) = (0, false);
            loop {
                let Err((failure, is_unknown)) = send::reply(line, storage, job, &body).await else {
                    debug!(event = %job.event_id, "replied");
                    let (state, method) = (PushState::Refused, SendMethod::Push);
                    return Ok(Delivery { pushed: 1, state, method, ..delivery });
                };
                was_unknown |= is_unknown;
                let pauses = &config.pauses.within;
                if !line_retry::wait(storage, pauses, job, &mut tries, &failure, attempt.deadline).await? {
                    break (failure, was_unknown);
                }
            }
        }
    };
    if !is_unknown && !matches!(delivery.state, PushState::Unknown { .. }) {
        info!(event = %job.event_id, detail = failure.detail, "the free reply was refused: it is pushed");
        let now = storage.now();
        storage.record(job, Step::NotReplied { attempts: attempt.number }).await?;
        let (state, method) = (PushState::Untried { since: now }, SendMethod::Push);
        return Ok(Delivery { state, method, ..delivery });
    }
    let is_alive = token(job, LIFE, storage.now()).is_some();
    let retry = if is_alive { failure.retry } else { RetryPolicy::Never };
    let failure = Failure { reason: Reason::DeliveryUnknown, retry, ..failure };
    Err(AttemptError { failure, delivery: Some(delivery) })
}

/// When the person is told that it takes longer: `PATIENCE_SECONDS` after the webhook, in private chats.
pub(crate) fn patience_ends(patience: Option<Duration>, job: &Job, now: Timestamp) -> Option<Instant> {
    let patience = patience?;
    let accepted_at = Timestamp::from_millisecond(job.accepted_at?).ok()?;
    token(job, YOUNG, now).filter(|_| job.is_private())?;
    let waited = now.duration_since(accepted_at).unsigned_abs();
    Some(Instant::now() + patience.saturating_sub(waited))
}
