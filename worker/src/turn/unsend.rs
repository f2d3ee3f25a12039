//! Messages that people unsend and conversations that they leave, and what the bot must not say after that.

use shared::{
    event::log,
    job::{Job, JobKind},
};
use tokio::time::{Instant, timeout_at};

use super::{
    attempt_error::{in_doubt, out_of_time},
    edit,
    handoff::ensure_not_paused,
    not_begun::not_begun,
};
use crate::{
    clients::Clients,
    config::Config,
    failure::{Failure, Reason},
    history::{ConversationChanges, Forget, Stage},
    outcome::Outcome,
    storage::Storage,
};

/// Whether a turn must not continue: its message was unsent, or its conversation was forgotten since it was said.
pub(crate) fn is_forgotten(job: &Job, changes: &ConversationChanges) -> bool {
    changes.is_unsent_for_all() || changes.is_forgotten(job)
}

/// Carries out the job of an unsend, an edit or an unfollow. It needs no turn, because it may be done twice; it is
/// tried until the storage does it. It notifies nobody: a person who unsends a message knows it, and a person who
/// leaves gets no more messages.
pub(crate) async fn carry_out(config: &Config, storage: &Storage, job: &Job, deadline: Instant) -> Outcome {
    let done = timeout_at(deadline, change(storage, job)).await;
    done.unwrap_or_else(|_| Err(out_of_time())).unwrap_or_else(|failure| not_begun(config, failure))
}

async fn change(storage: &Storage, job: &Job) -> Result<Outcome, Failure> {
    let what = match &job.kind {
        JobKind::Unfollow => Forget::Everything(storage.forgets_until(job)),
        JobKind::Unsend { message_id } => Forget::Message(message_id.clone()),
        JobKind::Edited { message_id, text, quotes } => {
            edit::keep(storage, job, message_id, text, quotes.as_ref()).await?;
            return Ok(Outcome::Noticed);
        }
        JobKind::Question { .. } | JobKind::NotUnderstood | JobKind::Follow { .. } | JobKind::Join => {
            return Ok(Outcome::Noticed);
        }
    };
    storage.forget(&job.conversation, what).await?;
    log!(info, Erased, event = %job.event_id, conversation = %job.conversation, "the words of a message or of a conversation are erased");
    Ok(Outcome::Answered)
}

/// Returns an error if nothing more of a stored answer may be sent, because of what happened since this attempt looked:
/// its message, or one of several that it answers, was unsent, or its chat was paused.
pub(crate) async fn ensure_may_be_sent(
    Clients { config, storage, .. }: &Clients,
    job: &Job,
) -> Result<(), Failure> {
    let Ok(changes) = storage.conversation_changes(job).await else { return Ok(()) };
    match changes.stage {
        Stage::InDoubt => Err(in_doubt()),
        Stage::Open => Err(Failure::retryable(
            Reason::LineRejected,
            "LINE did not take it, and a part of what it answers was taken back: the rest is answered anew",
        )),
        Stage::Stored(_) | Stage::Delivered if !is_forgotten(job, &changes) => {
            ensure_not_paused(config, job, &changes, storage.now())
        }
        // The run is given up, and it ends without an apology.
        Stage::Stored(_) | Stage::Delivered | Stage::Forgotten => {
            Err(Failure::permanent(Reason::Internal, "its message was taken back"))
        }
    }
}

/// Whether the message is known to be unsent or forgotten.
pub(crate) async fn is_known_forgotten(storage: &Storage, job: &Job) -> bool {
    storage.conversation_changes(job).await.is_ok_and(|changes| is_forgotten(job, &changes))
}
