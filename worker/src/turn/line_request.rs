//! One request to LINE that sends messages, and the ids of these messages, which are remembered.

use std::time::Duration;

use futures_util::FutureExt;
use shared::{
    event::log,
    job::{Job, MessageId},
    traces,
};
use uuid::Uuid;

use crate::{
    adapters::line::{LineClient, SendError},
    failure::Failure,
    retry_loop::retry,
    retry_pauses,
    storage::Storage,
    text::messages::{self, Reply},
};

/// Makes one push, and returns the ids of its messages. On failure, the bool says whether its outcome is unknown.
pub(crate) async fn push(
    line: &LineClient,
    storage: &Storage,
    job: &Job,
    body: &str,
    key: Uuid,
) -> Result<Vec<MessageId>, (Failure, bool)> {
    let own = traces::step("push", line.push(body, key)).await.map_err(SendError::parts)?;
    remember_own(storage, job, &own).await;
    Ok(own)
}

/// Makes one reply, and returns the ids of its messages. On failure, the bool says whether its outcome is unknown.
pub(crate) async fn reply(
    line: &LineClient,
    storage: &Storage,
    job: &Job,
    body: &str,
) -> Result<Vec<MessageId>, (Failure, bool)> {
    let own = traces::step("reply", line.reply(body)).await.map_err(SendError::parts)?;
    remember_own(storage, job, &own).await;
    Ok(own)
}

/// Sends a notice by the free reply token and never by push. Returns true if LINE accepted it.
pub(crate) async fn send_notice(
    line: &LineClient,
    storage: &Storage,
    pauses: &[Duration],
    job: &Job,
    said: &Reply<'_>,
) -> bool {
    let Some(token) = &job.reply_token else { return false };
    let Some(push) = messages::pushes(&job.conversation, said).into_iter().next() else { return false };
    let body = messages::by_token(token, &push);
    match with_retries(pauses, || reply(line, storage, job, &body)).await {
        Ok(_) => true,
        Err(Failure { detail, .. }) => {
            log!(info, NoticeNotReplied, event = %job.event_id, detail, "LINE refused a notice by the free reply");
            false
        }
    }
}

/// Makes a request that sends no part of a stored answer, with the short retries of an attempt.
pub(crate) async fn with_retries<T, F>(pauses: &[Duration], request: impl Fn() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, (Failure, bool)>>,
{
    let work = || request().map(|done| done.map_err(|(failure, _)| failure));
    retry(work, |tries, failure| retry_pauses::after(pauses, tries, failure)).await
}

/// Remembers which messages of a group are the bot's own. If it fails, the only harm is that a quote of such a message
/// does not call the bot.
async fn remember_own(storage: &Storage, job: &Job, messages: &[MessageId]) {
    if job.is_private() || messages.is_empty() {
        return;
    }
    if let Err(Failure { detail, .. }) = storage.remember_own(messages).await {
        log!(warn, OwnMessagesNotKept, event = %job.event_id, detail, "the bot will not know its own messages when somebody quotes them");
    }
}
