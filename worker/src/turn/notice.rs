//! Short notices by the free reply token: the greeting, and the notice that a message is not understood. Nothing is
//! lost if LINE does not accept one, so a notice is never pushed and never dead-lettered.

use shared::{
    command::Command,
    event::log,
    job::{Job, JobKind},
};

use super::{buttons::buttons, handoff::silences_notice, line_request, read::while_marking_as_read, user};
use crate::{
    clients::Clients,
    failure::Failure,
    history::{Answer, Limit, Step, StoreResult, UsageDelta},
    outcome::Outcome,
    text::messages::{self, Reply},
};

/// Sends the notice that the job asks for.
pub(crate) async fn give(clients: &Clients, job: &Job) -> Outcome {
    let Clients { config, storage, line, .. } = clients;
    if matches!(job.kind, JobKind::Follow { .. }) {
        // While the person blocked the bot, LINE did not give their profile.
        line.forget_profile(job.conversation.as_str());
    }
    if job.kind == JobKind::NotUnderstood && silences_notice(clients, job).await {
        log!(info, Paused, event = %job.event_id, conversation = %job.conversation, "a person of the staff talks with the user: nothing is said");
        return Outcome::Noticed;
    }
    if config.quota.is_not_allowed(job.user()) {
        return refuse_not_allowed(clients, job).await;
    }
    let profile = user::profile(line, job).await;
    let locale = user::locale(line, job, config.locale);
    let words = locale.words();
    let reply = match job.kind {
        JobKind::Follow { is_unblocked } => {
            let greeting = if is_unblocked { words.welcome_back } else { words.greeting };
            Reply {
                words: greeting(profile.name.as_deref()).as_str().into(),
                buttons: buttons(config, job, locale, &[Command::Persona(None), Command::Help]),
                ..Reply::default()
            }
        }
        JobKind::Join => {
            let prefix = config.group_prefix.as_ref().map(|prefix| prefix.written.as_str());
            (words.group_greeting)(prefix, locale.word_of(&Command::Forget)).as_str().into()
        }
        _ => words.not_understood.into(),
    };
    let notice = line_request::send_notice(line, storage, &config.pauses.within, job, &reply);
    let said = while_marking_as_read(line, job, true, notice).await;
    log!(info, Noticed, event = %job.event_id, said, "the job needs no answer of the model");
    Outcome::Noticed
}

/// Refuses a person or a group that may not use the bot. A person gets the refusal once a period, as for a question. A
/// group gets nothing, because nobody in particular spoke.
async fn refuse_not_allowed(clients: &Clients, job: &Job) -> Outcome {
    let said = job.kind != JobKind::Join
        && refuse(clients, job).await.unwrap_or_else(|Failure { detail, .. }| {
            log!(warn, RefusalFailed, event = %job.event_id, detail, "a person who is not on the list was not told so");
            false
        });
    log!(info, Noticed, event = %job.event_id, said, limit = Limit::NotAllowed.as_str(), "the job needs no answer of the model");
    Outcome::Noticed
}

/// Sends the refusal, if the person has not got it before. Returns true if LINE accepted it.
async fn refuse(clients: &Clients, job: &Job) -> Result<bool, Failure> {
    let Clients { config, storage, line, .. } = clients;
    user::profile(line, job).await;
    let words = config.quota.says(Limit::NotAllowed, user::locale(line, job, config.locale).words());
    let reply = words.as_str().into();
    let period = config.quota.period(job.user(), storage.now());
    let spent = Some(UsageDelta::of_notice(period, Limit::NotAllowed));
    let pushes = messages::pushes(&job.conversation, &reply);
    let answer = Answer { pushes, spent, ..Answer::default() };
    // The refusal is stored before it is sent, because no refusal is better than a second one.
    let stored = storage.store(job, &answer, None).await?;
    storage.record(job, Step::Delivered { own: vec![] }).await?;
    let is_new = matches!(stored, StoreResult::Stored(delivery) if !delivery.pushes.is_empty());
    Ok(is_new && line_request::send_notice(line, storage, &config.pauses.within, job, &reply).await)
}
