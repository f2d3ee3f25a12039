//! The apology: it notifies the user, once per event for ever, that there will be no answer.

use shared::{
    command::Command,
    event::log,
    job::{Job, JobKind},
};

use super::{buttons::buttons, handoff, line_request, unsend::is_forgotten, user};
use crate::{
    clients::Clients,
    config::Config,
    failure::{Failure, Reason},
    history::{Question, SnapshotScope, Stage, Unanswered, key_is_alive},
    rules::{
        group::{is_answered, is_asked_anew, said_to_bot},
        message_kind::{MessageKind, kept},
        waiting::set_of,
    },
    storage::Storage,
    text::messages::{self, Reply},
};

/// The word from which the retry key of the apology is derived.
pub const APOLOGY: &str = "apology";

/// Notes that the answer waits for the next month or a larger plan. The person learns of it by the free reply to the
/// next question.
async fn note_waiting(storage: &Storage, job: &Job) {
    let is_waiting = match storage.conversation_changes(job).await {
        Ok(changes) => matches!(changes.stage, Stage::Stored(_)),
        Err(_) => false,
    };
    // After a redrive the person was told before.
    if !is_waiting || job.run.is_some() {
        return;
    }
    if let Err(Failure { detail, .. }) = storage.note_waiting(job).await {
        log!(error, ApologyNotMarked, event = %job.event_id, detail, "the storage did not note that an answer waits");
    }
}

/// Sends the apology. It is called when the dead letter is safe, and it may be called again: the mark and the retry key
/// ensure that the user gets only one. It sends nothing if nothing was asked, if the answer may have arrived, if LINE
/// accepts nothing from this channel, or if a person of the staff talks with the user.
pub async fn apologise(clients: &Clients, job: &Job, reason: Reason) {
    let Clients { config, storage, line, .. } = clients;
    let Some(asked) = kept(&job.kind) else { return };
    match reason {
        Reason::LineAuth | Reason::Paused => return,
        Reason::LineQuota => return note_waiting(storage, job).await,
        _ => {}
    }
    // These requests come first, because LINE may be slow, and the message may be unsent meanwhile.
    user::learn_speaker(line, job).await;
    user::profile(line, job).await;
    let now = storage.now();
    // A person who unsent the message or had it forgotten gets no apology, and its words are not kept. The same applies
    // to a person who did not speak to the bot.
    let changes = storage.conversation_changes(job).await;
    let asked = match &changes {
        Ok(changes) if is_forgotten(job, changes) || is_answered(job, changes) => return,
        Ok(changes) if handoff::stops(job, changes, now) => return,
        // The edited message is a question of its own, in a later job.
        Ok(changes) if is_asked_anew(job, changes) => return,
        Ok(changes) => match said_to_bot(job, &asked, changes) {
            Some(asked) => asked,
            None => return,
        },
        Err(_) if matches!(job.kind, JobKind::Question { only_if_quoting_bot: true, .. }) => return,
        Err(_) => &asked,
    };
    // A command is not kept, because it asks for something that was asked before. An unsent message is not kept either.
    let was_unsent = changes.as_ref().is_ok_and(|changes| changes.unsent);
    let is_command = job.kind.is_tap() || job.kind.command(asked).is_some();
    let mut question = (!is_command && !was_unsent).then(|| Question {
        event: job.event_id.clone(),
        text: asked.to_owned(),
        kind: MessageKind::of(&job.kind),
        message_id: job.message_id().cloned(),
        speaker: user::speaker(line, job),
        said_at: job.at(),
        asked_with: vec![],
        image_set: set_of(job).map(|set| set.id.clone()),
    });
    let told = told_of_images(config, storage, job, question.as_ref()).await;
    let is_told = told.is_some();
    if let (Some(question), Some(told)) = (&mut question, told) {
        question.asked_with = told.asked_with;
        question.asked_with.extend(told.turn.message_id);
    }
    match storage.mark_notified(job, question.as_ref(), now).await {
        Ok(_) if is_told => return,
        Ok(Some(first)) if key_is_alive(first, now) => {}
        Ok(_) => return,
        Err(Failure { detail, .. }) => {
            log!(error, ApologyNotMarked, event = %job.event_id, detail, "the apology was not sent: the storage did not mark it");
            return;
        }
    }
    let locale = user::locale(line, job, config.locale);
    let words = locale.words();
    let (text, buttons) = match reason {
        Reason::ModelRefused => (words.refused, vec![]),
        // The button asks the kept question again.
        _ if question.is_some() => (words.no_answer, buttons(config, job, locale, &[Command::Retry])),
        _ => (words.no_answer_no_button, vec![]),
    };
    for body in messages::pushes(&job.conversation, &Reply { buttons, ..text.into() }) {
        let key = job.event_id.derive(APOLOGY);
        let push = || line_request::push(line, storage, job, &body, key);
        if let Err(Failure { detail, .. }) = line_request::with_retries(&config.pauses.within, push).await {
            log!(warn, ApologyFailed, event = %job.event_id, detail, "LINE did not take the apology");
        }
    }
}

/// Returns the unanswered question if the person got its apology and it was asked with this one: another image of the same
/// set, or the image just before these words.
async fn told_of_images(
    config: &Config,
    storage: &Storage,
    job: &Job,
    question: Option<&Question>,
) -> Option<Unanswered> {
    let own = question.filter(|_| job.is_private())?;
    let period = config.quota.period(job.user(), storage.now());
    let told = storage.load(job, SnapshotScope { limit: 0, period }).await.ok()?.unanswered?;
    let image = told.image()?;
    let is_together = match own.image() {
        Some(own) => image.is_in_set_of(&own),
        None => image.is_just_before(own.said_at),
    };
    is_together.then_some(told)
}
