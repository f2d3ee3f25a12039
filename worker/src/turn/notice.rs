//! Short notices by the free reply token: the greeting, and the word that a message is not understood. Nothing is
//! lost if LINE does not take one, so it is never pushed and never dead-lettered.

use shared::{
    command::Command,
    job::{Ask, Job},
    log,
};

use super::{buttons::buttons, line_request, user};
use crate::{
    clients::Clients,
    failure::Failure,
    history::{Answer, Limit, Step, StoreResult, UsageDelta},
    outcome::Outcome,
    text::messages::{self, Reply},
};

/// Gives the notice that the job is for.
pub(crate) async fn give(clients: &Clients, job: &Job) -> Outcome {
    let Clients { config, storage, line, .. } = clients;
    if job.ask == Ask::Follow {
        // While they blocked the bot, LINE did not say who they are.
        line.forget_profile(job.conversation.as_str());
    }
    if config.quota.is_closed_to(job.user()) {
        return turn_away(clients, job).await;
    }
    let profile = user::profile(line, job).await;
    let locale = user::locale(line, job, config.locale);
    let words = locale.words();
    let reply = match job.ask {
        Ask::Follow => Reply {
            words: (words.greeting)(profile.name.as_deref()).as_str().into(),
            buttons: buttons(config, job, locale, &[Command::Persona(None), Command::Help]),
            ..Reply::default()
        },
        Ask::Join => {
            let prefix = config.group_prefix.as_ref().map(|prefix| prefix.written.as_str());
            (words.group_greeting)(prefix, locale.word_of(&Command::Forget)).as_str().into()
        }
        _ => words.not_understood.into(),
    };
    let said = line_request::reply_free(line, storage, &config.pauses.within, job, &reply).await;
    log!(info, Noticed, event = %job.event_id, said, "the job needs no answer of the model");
    Outcome::Noticed
}

/// Turns a person or a group away that will be refused: a person hears once a period that the bot is not for them, as for a
/// question, and a group, of whom nobody in particular spoke, hears nothing.
async fn turn_away(clients: &Clients, job: &Job) -> Outcome {
    let said = job.ask != Ask::Join
        && refuse(clients, job).await.unwrap_or_else(|Failure { detail, .. }| {
            log!(warn, RefusalFailed, event = %job.event_id, detail, "a person who is not on the list was not told so");
            false
        });
    log!(info, Noticed, event = %job.event_id, said, limit = Limit::NotAllowed.as_str(), "the job needs no answer of the model");
    Outcome::Noticed
}

/// The refusal, if the person has not had it before; true if LINE took it.
async fn refuse(clients: &Clients, job: &Job) -> Result<bool, Failure> {
    let Clients { config, storage, line, .. } = clients;
    user::profile(line, job).await;
    let words = config.quota.says(Limit::NotAllowed, user::locale(line, job, config.locale).words());
    let reply = words.as_str().into();
    let period = config.quota.period(job.user(), storage.now());
    let spent = Some(UsageDelta::of_notice(period, Limit::NotAllowed));
    let pushes = messages::pushes(&job.conversation, &reply);
    let answer = Answer { pushes, spent, ..Answer::default() };
    // Remembered first: to be silent is better than to say it again.
    let stored = storage.store(job, &answer, None).await?;
    storage.record(job, Step::Delivered).await?;
    let is_new = matches!(stored, StoreResult::Stored(delivery) if !delivery.pushes.is_empty());
    Ok(is_new && line_request::reply_free(line, storage, &config.pauses.within, job, &reply).await)
}
