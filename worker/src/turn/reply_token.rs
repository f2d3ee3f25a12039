//! The free reply token: when it may be used, and what a refusal by LINE means.
//!
//! A push is metered, and a reply is not. But a reply has no retry key: only its token, which is valid once and for a
//! minute, prevents a second delivery. So a push replaces the reply only if the reply was certainly not delivered, and
//! an unknown outcome stays unknown.
//!
//! The reply also works after the month's messages are used up. There it takes the place of a push that LINE certainly
//! refused, and no push follows it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use shared::{event::log, job::Job};

use super::{attempt_error::AttemptError, line_request, line_retry, sending::Sending, time_budget::Attempt};
use crate::{
    clients::Clients,
    config::{Config, DeliveryMode},
    failure::{Failure, Reason, RetryPolicy},
    history::{Answer, Delivery, PushState, SendMethod, Step},
    text::messages,
};

/// The age of a webhook up to which its token is used (LINE, "Send reply message": within a minute).
const FIRST_USE_MAX_AGE: SignedDuration = SignedDuration::from_secs(50);
/// The age of a webhook up to which LINE is asked again for the outcome of the same reply.
const RETRY_MAX_AGE: SignedDuration = SignedDuration::from_secs(60);

/// Returns the job's reply token, if its webhook is younger than `age`. The token of a redriven job was used long ago.
fn token(job: &Job, age: SignedDuration, now: Timestamp) -> Option<&str> {
    let accepted_at = Timestamp::from_millisecond(job.accepted_at?).ok()?;
    let is_good = job.run.is_none() && now.duration_since(accepted_at) < age;
    job.reply_token.as_deref().filter(|_| is_good)
}

/// Whether an answer may still use the job's reply token, as far as its age shows.
pub(crate) fn may_reply(job: &Job, now: Timestamp) -> bool {
    token(job, FIRST_USE_MAX_AGE, now).is_some()
}

/// Returns the send method of the first part of an answer: the free reply for a notice whenever that is possible, and
/// for a model's answer if `DELIVERY` says so, or if the answer `wants` it.
pub(crate) fn first_method(
    config: &Config,
    job: &Job,
    answer: &Answer,
    wants: bool,
    token_is_spent: bool,
    now: Timestamp,
) -> SendMethod {
    let wants = wants || answer.exchange.is_none() || config.delivery == DeliveryMode::ReplyFirst;
    let may = wants && !token_is_spent && may_reply(job, now);
    if may { SendMethod::ReplyToken } else { SendMethod::Push }
}

/// Whether the free reply takes the place of a push that failed. It does for an answer of one request only. Nobody
/// would learn of the rest of a longer one, which has more than 25,000 characters, so it waits as a whole.
pub(crate) fn replaces_push(job: &Job, delivery: &Delivery, failure: &Failure, now: Timestamp) -> bool {
    let is_used_up = failure.reason == Reason::LineQuota && failure.retry == RetryPolicy::Never;
    let is_unsaid = delivery.progress().is_unsaid() && delivery.pushes.len() == 1;
    is_used_up && is_unsaid && may_reply(job, now)
}

/// Replies with an answer whose push LINE certainly refused because the month's messages are used up. This is recorded
/// first, so that no attempt of this run pushes the answer, whatever happens to the reply.
pub(crate) async fn send_instead(
    clients: &Clients,
    job: &Job,
    sending: &mut Sending,
    refused: &Failure,
    attempt: &Attempt<'_>,
) -> Result<(), AttemptError> {
    let now = clients.storage.now();
    clients.storage.record_at(job, Step::Replying { by: attempt.by }, now).await?;
    log!(warn, MonthUsedUp, event = %job.event_id, "LINE refused a push because the month's messages are used up: the answer goes by the free reply");
    (sending.delivery.state, sending.delivery.method) =
        (PushState::Untried { since: now }, SendMethod::ReplyOnly);
    send_first(clients, job, sending, attempt).await.map_err(|mut error| {
        error.failure.detail = format!("{}; then {}", refused.detail, error.failure.detail);
        error
    })
}

/// Replies with the first part of a delivery that goes by reply; the other parts are pushed afterwards. If an earlier
/// attempt may have replied, a refusal of this reply does not prove that the earlier one failed. Only the newest attempt
/// may change to a push, because another attempt may be replying meanwhile.
pub(crate) async fn send_first(
    clients: &Clients,
    job: &Job,
    Sending { delivery, is_trying, own }: &mut Sending,
    attempt: &Attempt<'_>,
) -> Result<(), AttemptError> {
    let Clients { storage, line, .. } = clients;
    let Some(push) = delivery.pushes.first() else { return Ok(()) };
    match (delivery.method, delivery.state) {
        (SendMethod::Push, _) => return Ok(()),
        // LINE certainly refused the reply, and an operator wants the answer to be pushed.
        (SendMethod::ReplyOnly, PushState::Refused) if job.run.is_some() => return Ok(()),
        (SendMethod::ReplyToken | SendMethod::ReplyOnly, _) => {}
    }
    let mut failure = Failure::permanent(Reason::DeliveryUnknown, "the reply token is too old to ask again");
    match token(job, RETRY_MAX_AGE, storage.now()) {
        // An earlier attempt recorded that LINE certainly did not accept the reply.
        _ if delivery.state == PushState::Refused => {}
        None => delivery.state = delivery.state.after_unknown_outcome(),
        Some(token) => {
            let body = messages::by_token(token, push);
            let mut tries = 0;
            loop {
                *is_trying = true;
                let replied = line_request::reply(line, storage, job, &body).await;
                *is_trying = false;
                let Err((failed, is_unknown)) = replied.map(|messages| own.extend(messages)) else {
                    log!(debug, Replied, event = %job.event_id, "LINE took the free reply");
                    (delivery.pushed, delivery.state) = (1, PushState::Refused);
                    delivery.method = SendMethod::Push;
                    return Ok(());
                };
                failure = failed;
                if is_unknown {
                    delivery.state = delivery.state.after_unknown_outcome();
                }
                if !line_retry::wait(clients, job, &mut tries, &failure, attempt.deadline).await? {
                    break;
                }
            }
        }
    }
    if !matches!(delivery.state, PushState::Unknown { .. }) {
        if delivery.method == SendMethod::ReplyOnly {
            delivery.state = PushState::Refused;
            let detail = format!("the free reply was not taken: {}", failure.detail);
            let failure = Failure::permanent(Reason::LineQuota, detail);
            return Err(AttemptError { failure, delivery: Some(delivery.clone()) });
        }
        log!(info, ReplyRefused, event = %job.event_id, detail = failure.detail, "LINE refused the free reply: the answer is pushed");
        let now = storage.now();
        storage.record_at(job, Step::NotReplied { by: attempt.by }, now).await?;
        (delivery.state, delivery.method) = (PushState::Untried { since: now }, SendMethod::Push);
        return Ok(());
    }
    let is_alive = token(job, RETRY_MAX_AGE, storage.now()).is_some();
    let retry = if is_alive { failure.retry } else { RetryPolicy::Never };
    let failure = Failure { reason: Reason::DeliveryUnknown, retry, ..failure };
    Err(AttemptError { failure, delivery: Some(delivery.clone()) })
}

/// Returns the time until the person is notified that the answer takes longer: `PATIENCE_SECONDS` after the webhook, in
/// private chats. An answer that goes by the reply token first keeps it until the token is too old for the answer.
pub(crate) fn patience_left(
    patience: Option<Duration>,
    delivery: DeliveryMode,
    job: &Job,
    now: Timestamp,
) -> Option<Duration> {
    let patience = match delivery {
        DeliveryMode::Push => patience?,
        DeliveryMode::ReplyFirst => patience?.max(FIRST_USE_MAX_AGE.unsigned_abs()),
    };
    let accepted_at = Timestamp::from_millisecond(job.accepted_at?).ok()?;
    token(job, FIRST_USE_MAX_AGE, now).filter(|_| job.is_private())?;
    Some(patience.saturating_sub(now.duration_since(accepted_at).unsigned_abs()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::job::{ConversationId, EventId, JobKind};

    use super::*;

    #[test]
    fn a_notice_leaves_the_token_to_an_answer_that_goes_by_it_first() {
        let id = |id: &str| EventId::try_from(id.to_owned()).unwrap();
        let of = |of: &str| ConversationId::of_known_id(of.to_owned()).unwrap();
        let asked = |of| Job::new(id("e"), of, JobKind::question("q", None));
        let job = Job { accepted_at: Some(0), reply_token: Some("token".into()), ..asked(of("U1")) };
        let left = |patience: Option<u64>, delivery, age: u64| {
            let now = Timestamp::UNIX_EPOCH + Duration::from_secs(age);
            patience_left(patience.map(Duration::from_secs), delivery, &job, now).map(|left| left.as_secs())
        };
        let (push, reply_first) = (DeliveryMode::Push, DeliveryMode::ReplyFirst);
        for (patience, delivery, age, expected) in [
            (None, push, 1, None),
            (None, reply_first, 1, None),
            (Some(20), push, 5, Some(15)),
            (Some(20), push, 30, Some(0)),
            (Some(20), push, 50, None),
            (Some(20), reply_first, 5, Some(45)),
            (Some(20), reply_first, 49, Some(1)),
            (Some(20), reply_first, 50, None),
        ] {
            assert_eq!(left(patience, delivery, age), expected, "{patience:?} {delivery:?} {age}");
        }
    }
}
