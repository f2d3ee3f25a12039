//! Delivers a stored answer, request by request. Each push has a retry key derived from event and part, so that LINE
//! accepts each part once. The first part may use the free reply token instead (`reply_token`).

use shared::job::{EventId, Job, MessageId};
use tokio::time::timeout_at;
use uuid::Uuid;

use super::{
    attempt_error::AttemptError, broadcast_wait, line_request, line_retry, reply_token, sending::Sending,
    time_budget::Attempt, unsend::ensure_may_be_sent,
};
use crate::{
    clients::Clients,
    failure::{Failure, Reason},
    history::{Delivery, PushState, SendMethod, Step, Turn},
};

/// Returns the retry key of one push of an event.
pub fn retry_key(event: &EventId, part: u32) -> Uuid {
    event.derive(&format!("push/{part}"))
}

/// Sends the parts that LINE has not certainly accepted yet, while the attempt has time. Returns their messages' ids.
pub(crate) async fn deliver(
    clients: &Clients,
    job: &Job,
    turn: &Turn,
    delivery: Delivery,
    attempt: &Attempt<'_>,
) -> Result<Vec<MessageId>, AttemptError> {
    let mut sending = Sending { delivery, is_trying: false, own: vec![] };
    let sent = timeout_at(attempt.deadline, send(clients, job, turn, &mut sending, attempt)).await;
    if let Ok(sent) = sent { sent.map(|()| sending.own) } else { Err(sending.out_of_time()) }
}

async fn send(
    clients: &Clients,
    job: &Job,
    turn: &Turn,
    sending: &mut Sending,
    attempt: &Attempt<'_>,
) -> Result<(), AttemptError> {
    let Clients { config, storage, line, .. } = clients;
    reply_token::send_first(clients, job, sending, attempt).await?;
    // An earlier attempt may have made the next push and also later ones. The row is not written again for the later
    // ones, so they keep the time of the next push: a time that is too early is safe.
    let Sending { delivery, is_trying, own } = sending;
    let (mut before, mut tries) = (delivery.state, 0);
    while let Some(body) = delivery.pushes.get(delivery.pushed as usize) {
        let now = storage.now();
        if !delivery.may_be_pushed(now) {
            let detail = format!("LINE may have push {} and no longer knows its key", delivery.pushed + 1);
            let failure = Failure::permanent(Reason::DeliveryUnknown, detail);
            return Err(AttemptError { failure, delivery: Some(delivery.clone()) });
        }
        if delivery.state == PushState::Refused {
            // From here on, a crash leaves the outcome of the push unknown, so this is written down first.
            storage.record_at(job, Step::Pushing { by: attempt.by, pushed: delivery.pushed }, now).await?;
            (delivery.state, delivery.method) = (PushState::Untried { since: now }, SendMethod::Push);
            before = delivery.state;
        }
        let key = retry_key(&job.event_id, delivery.pushed);
        *is_trying = true;
        let pushed = line_request::push(line, storage, job, body, key).await;
        *is_trying = false;
        let Err((failure, is_unknown)) = pushed.map(|messages| own.extend(messages)) else {
            delivery.pushed += 1;
            (delivery.state, tries) = (before, 0);
            if (delivery.pushed as usize) < delivery.pushes.len() {
                ensure_may_be_sent(clients, job).await?;
            }
            continue;
        };
        if is_unknown {
            delivery.state = delivery.state.after_unknown_outcome();
        }
        let mut failure = broadcast_wait::apply_broadcast_wait(config, storage, job, turn, failure).await;
        if matches!(delivery.state, PushState::Unknown { .. }) {
            failure.reason = Reason::DeliveryUnknown;
        } else {
            delivery.state = PushState::Refused;
            // This is written before the pause: an answer that certainly did not arrive is drafted again if one of
            // its questions is unsent meanwhile.
            let (by, reason, refused) = (attempt.by, failure.reason, Some(delivery.clone()));
            let step = Step::Failed { by, reason, delivery: refused, gave_up: false, cost: None };
            storage.record_or_log(job, step).await;
        }
        if reply_token::replaces_push(job, delivery, &failure, storage.now()) {
            return reply_token::send_instead(clients, job, sending, &failure, attempt).await;
        }
        if !line_retry::wait(clients, job, &mut tries, &failure, attempt.deadline).await? {
            return Err(AttemptError { failure, delivery: Some(delivery.clone()) });
        }
    }
    Ok(())
}
