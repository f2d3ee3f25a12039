//! Staff take over: a person asks for the staff, who get one message and answer in LINE's own chat, and the chat is
//! paused meanwhile. A paused chat gets no answer of the model.
//!
//! The staff are told before the pause is stored, because nobody may wait for staff who do not know. The message has a
//! retry key derived from the event: after a crash in between, the next attempt makes the same push, LINE accepts it
//! only once, and the pause is stored. Where LINE did not certainly accept it, the person is told so and nothing is
//! paused.

use futures_util::FutureExt;
use jiff::Timestamp;
use shared::{
    command::Command,
    event::log,
    job::{Job, JobKind},
    traces,
};

use super::{buttons::buttons, line_request::with_retries, user};
use crate::{
    adapters::line::{LineClient, SendError},
    clients::Clients,
    config::Config,
    failure::{Failure, Reason},
    history::{ConversationChanges, Pause, PauseChange, Stage},
    locale::Locale,
    rules::pause::pause_from,
    storage::Storage,
    text::messages::{self, Reply},
};

/// The address of LINE's own chat, with the chats of all accounts of the person who opens it. Nothing in LINE's
/// documents makes the address of one chat of the ids that a bot has.
const CHAT_URL: &str = "https://chat.line.biz/";
/// The word from which the retry key of the message to the staff is derived.
const HANDOFF: &str = "handoff";

/// Whether this chat has this command.
pub(crate) fn has_command(config: &Config, job: &Job, changes: &ConversationChanges, it: &Command) -> bool {
    match it {
        Command::Handoff => job.is_private() && config.handoff_to.is_some(),
        // An operator can pause a chat of a bot without staff, too.
        Command::Back => job.is_private() && (config.handoff_to.is_some() || changes.pause.is_some()),
        _ => true,
    }
}

/// Whether nothing is said, because a pause stops the job and its message is no command that acts in a pause. A redriven
/// job fails instead, so that its dead letter stays for a redrive after the pause.
pub(crate) fn is_silenced(
    job: &Job,
    changes: &ConversationChanges,
    command: Option<&Command>,
    now: Timestamp,
) -> Result<bool, Failure> {
    if command.is_some_and(acts_in_pause) || !stops(job, changes, now) {
        return Ok(false);
    }
    if job.run.is_some() {
        return Err(paused());
    }
    log_paused(job);
    Ok(true)
}

/// Returns an error if the job's stored answer must not be sent, because its chat is paused: an answer of which
/// certainly nothing arrived, and every answer that an operator redrives. An answer that may have arrived in part is
/// sent to its end, and the reply to a command that acts in a pause is always sent.
pub(crate) fn ensure_not_paused(
    config: &Config,
    job: &Job,
    changes: &ConversationChanges,
    now: Timestamp,
) -> Result<(), Failure> {
    let is_unsaid = matches!(&changes.stage, Stage::Stored(delivery) if delivery.progress().is_unsaid());
    let is_held = (job.run.is_some() || is_unsaid) && stops(job, changes, now);
    let command = match &job.kind {
        JobKind::Question { text, .. } => job.kind.command(text),
        _ => None,
    };
    let acts = command.is_some_and(|it| acts_in_pause(&it) && has_command(config, job, changes, &it));
    if is_held && !acts { Err(paused()) } else { Ok(()) }
}

fn acts_in_pause(command: &Command) -> bool {
    use Command::{AskForget, Back, Forget, Handoff, Help, Keep, Privacy};
    matches!(command, Handoff | Back | Forget | AskForget | Keep | Help | Privacy)
}

fn paused() -> Failure {
    let why = "a person of the staff talks with the user: redrive it when the pause is over";
    Failure::permanent(Reason::Paused, why)
}

/// Logs that the job gets no answer.
pub(crate) fn log_paused(job: &Job) {
    log!(info, Paused, event = %job.event_id, conversation = %job.conversation, "a person of the staff talks with the user: nothing is said");
}

/// Whether a pause stops the job.
pub(crate) fn stops(job: &Job, changes: &ConversationChanges, now: Timestamp) -> bool {
    changes.pause.is_some_and(|pause| pause.stops(job, now))
}

/// Tells the staff, unless they were told just now, and pauses the chat, or extends its pause. Returns the reply.
pub(crate) async fn hand_off<'a>(
    config: &Config,
    storage: &Storage,
    line: &LineClient,
    job: &Job,
    pause: Option<Pause>,
) -> Result<Reply<'a>, Failure> {
    let (now, locale) = (storage.now(), user::locale(line, job, config.locale));
    let reply = |pause: Option<Pause>| match pause.filter(|pause| pause.is_running(now)) {
        Some(running) => state(config, job, locale, running),
        None => locale.words().handoff_failed.into(),
    };
    let at = job.at().unwrap_or_else(|| now.as_millisecond());
    let until = pause_from(at);
    if until <= now.as_millisecond() {
        // The job is hours old. The person does not wait any more.
        return Ok(reply(pause));
    }
    let tells_staff = !pause.is_some_and(|pause| pause.staff_know(at));
    if tells_staff && let Err(Failure { detail, .. }) = tell_staff(config, line, job, until).await {
        log!(warn, HandoffFailed, event = %job.event_id, detail, "the staff could not be told that a person asks for them");
        return Ok(reply(pause));
    }
    let begins = PauseChange::Begins { at, until, tells_staff };
    let pause = storage.pause(&job.conversation, begins).await?;
    log!(info, HandedOff, event = %job.event_id, conversation = %job.conversation, told = tells_staff, "a person of the staff takes over");
    Ok(reply(pause))
}

/// Ends the pause. Returns the reply.
pub(crate) async fn hand_back<'a>(
    config: &Config,
    storage: &Storage,
    line: &LineClient,
    job: &Job,
) -> Result<Reply<'a>, Failure> {
    // LINE's clock may be ahead of this one: the pause must be over for the next message.
    let now = storage.now().as_millisecond();
    let at = job.at().map_or(now, |at| at.min(now));
    storage.pause(&job.conversation, PauseChange::Ends { at: Some(at) }).await?;
    log!(info, HandedBack, event = %job.event_id, conversation = %job.conversation, "the talk with the staff is over");
    Ok(user::locale(line, job, config.locale).words().handed_back.into())
}

/// Returns the notice of a running pause, with the button that ends it.
pub(crate) fn state<'a>(config: &Config, job: &Job, locale: Locale, pause: Pause) -> Reply<'a> {
    let words = (locale.words().handed_off)(&clock(config, pause.until));
    Reply { buttons: buttons(config, job, locale, &[Command::Back]), ..words.as_str().into() }
}

/// Tells the staff by a push that LINE certainly accepted.
async fn tell_staff(config: &Config, line: &LineClient, job: &Job, until: i64) -> Result<(), Failure> {
    let Some(staff) = &config.handoff_to else {
        return Err(Failure::permanent(Reason::Internal, "no staff"));
    };
    let name = user::name(line, job);
    let until = clock(config, until);
    let words = (config.locale.words().staff_wanted)(name.as_deref(), CHAT_URL, &until);
    let key = job.event_id.derive(HANDOFF);
    for body in messages::pushes(staff, &words.as_str().into()) {
        let push = || {
            let pushed = traces::step("push", line.push(&body, key));
            pushed.map(|done| done.map(drop).map_err(SendError::parts))
        };
        with_retries(&config.pauses.within, push).await?;
    }
    Ok(())
}

/// Returns the time of day by the operator's clock.
fn clock(config: &Config, millis: i64) -> String {
    let at = Timestamp::from_millisecond(millis).unwrap_or_default();
    config.quota.offset().to_datetime(at).strftime("%H:%M").to_string()
}

/// Whether a notice that needs no answer of the model is left out, because the chat is paused. If the history cannot
/// be read, the notice is given.
pub(crate) async fn silences_notice(clients: &Clients, job: &Job) -> bool {
    let storage = &clients.storage;
    let may_be = job.is_private();
    may_be && storage.conversation_changes(job).await.is_ok_and(|it| stops(job, &it, storage.now()))
}
