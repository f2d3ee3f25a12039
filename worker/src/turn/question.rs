//! The steps from a question to its stored answer. The answer is stored before it is sent.

use shared::{command::Command, event::log, job::Job, traces};

use super::{
    attempt_error::{AttemptError, unsent_but_others_unanswered},
    draft::{Draft, DraftInput, compose_draft},
    handoff,
    loading::while_showing_animation,
    read::while_marking_as_read,
    refusal::refuse,
    reply_token::{first_method, may_reply},
    time_budget::Attempt,
    unsend::is_forgotten,
    user::{self, after_learning_profile, learn_speaker, profile},
};
use crate::{
    clients::Clients,
    config::Config,
    failure::{Failure, Reason},
    history::{Answer, Limit, Question, SnapshotScope, Stage, StoreResult},
    rules::{
        group::{is_answered, said_to_bot},
        user_quota::may_change_persona,
    },
    storage::Storage,
    text::messages::{self, Reply},
};

/// The most drafts of one attempt, if its message is changed meanwhile.
pub(crate) const DRAFTS: usize = 3;

/// A draft, or the reason why there is none.
pub(crate) enum Drafted<'a> {
    /// There is a draft.
    Draft {
        draft: Box<Draft<'a>>,
        /// Whether the reply token was used meanwhile.
        token_is_spent: bool,
    },
    /// There is no draft, for this reason.
    Ended(StoreResult),
}

/// Drafts and stores the answer to a question. It drafts again if the message was changed meanwhile.
pub(crate) async fn answer(
    clients: &Clients,
    job: &Job,
    text: &str,
    attempt: &Attempt<'_>,
) -> Result<StoreResult, AttemptError> {
    let Clients { config, storage, .. } = clients;
    // A notice about an earlier draft may have used the token.
    let mut was_spent = false;
    for _ in 0..DRAFTS {
        let stored = match draft(clients, job, text, vec![], attempt).await? {
            Drafted::Draft { draft, token_is_spent } => {
                was_spent |= token_is_spent;
                store(config, storage, job, *draft, was_spent, attempt.by).await?
            }
            Drafted::Ended(result) => result,
        };
        if stored != StoreResult::Changed {
            return Ok(stored);
        }
        log!(info, Redrafted, event = %job.event_id, "the message or its conversation has changed: a new draft is made");
    }
    Err(Failure::retryable(Reason::Internal, "its message or its conversation changed again and again")
        .into())
}

/// Drafts the answer to a message and to the questions just before it. Shows the loading animation while the model is
/// asked.
pub(crate) async fn draft<'a>(
    clients: &'a Clients,
    job: &'a Job,
    text: &str,
    before: Vec<Question>,
    attempt: &Attempt<'_>,
) -> Result<Drafted<'a>, AttemptError> {
    let Clients { config, storage, line, .. } = clients;
    let (user, quota) = (job.user(), &config.quota);
    let period = quota.period(user, storage.now());
    let load = storage.load(job, SnapshotScope { limit: config.query_limit, period });
    let loading = async { tokio::join!(traces::step("load", load), learn_speaker(line, job)) };
    let (past, ()) = loading.await;
    let past = Box::new(past?);
    let changes = &past.changes;
    if is_forgotten(job, changes) {
        return Ok(Drafted::Ended(StoreResult::Forgotten));
    }
    if changes.unsent {
        return Err(unsent_but_others_unanswered().into());
    }
    if is_answered(job, changes) {
        return Ok(Drafted::Ended(StoreResult::Existing(Stage::Delivered)));
    }
    let at_once = |draft: Draft<'a>| Ok(Drafted::Draft { draft: Box::new(draft), token_is_spent: false });
    let said = said_to_bot(job, text, changes);
    let has_personas = config.personas.is_some();
    let command = said.and_then(|text| job.kind.command(text));
    let command = command.filter(|it| has_personas || !matches!(it, Command::Persona(_)));
    let command = command.filter(|it| handoff::has_command(config, job, changes, it));
    let text = match &command {
        // The data of a button is nobody's words.
        Some(command) if job.kind.is_tap() => {
            Some(user::locale(line, job, config.locale).word_of(command).to_owned())
        }
        None if job.kind.is_tap() => None,
        _ => said.map(ToOwned::to_owned),
    };
    let Some(text) = text else {
        // Nothing is said to the bot any more: an empty draft closes the turn.
        return at_once(Draft { seen: changes.seen(), ..Draft::default() });
    };
    if command.is_some() && !before.is_empty() {
        // The message was edited into a command. A command is carried out only after the questions before it are
        // answered.
        return Ok(Drafted::Ended(StoreResult::Changed));
    }
    if handoff::is_silenced(job, changes, command.as_ref(), storage.now())? {
        return at_once(Draft { seen: changes.seen(), ..Draft::default() });
    }
    let needs_no_model = command.as_ref().is_some_and(|command| !command.asks());
    let forgets = command == Some(Command::Forget);
    let is_about_forgetting = forgets || matches!(command, Some(Command::AskForget | Command::Keep));
    log!(debug, Loaded, event = %job.event_id, messages = past.messages.len(), "the conversation is loaded");
    // Some commands cost nothing, and everybody has the right to be forgotten.
    let is_exempt_from_limits = needs_no_model && (is_about_forgetting || !quota.is_not_allowed(user));
    let texts = [&text].into_iter().chain(before.iter().map(|said| &said.text));
    let limit = { texts }.find_map(|text| quota.reached(user, text, &past.used));
    // This turn also holds the answer to questions of other turns, so this question was counted before.
    let limit = limit.filter(|_| !is_exempt_from_limits && changes.others == 0);
    let is_persona = matches!(command, Some(Command::Persona(_)));
    let persona_limit = is_persona && !may_change_persona(&config.group_persona, job);
    if let Some(limit) = limit.or(persona_limit.then_some(Limit::Persona)) {
        return at_once(refuse(config, line, job, limit, period, &past).await);
    }
    let input = DraftInput { text: &text, command, before, past, period };
    // Boxed, because each future that awaits it would otherwise contain all of it.
    let drafting = Box::pin(compose_draft(clients, job, input, attempt));
    let drafting = while_marking_as_read(line, job, attempt.is_first_to_draft(), drafting);
    if needs_no_model {
        // The reply is in the user's language, and a quick command leaves no time to learn it meanwhile. *Forget* does
        // not wait for it.
        if !forgets {
            profile(line, job).await;
        }
        return Ok(Drafted::Draft { draft: drafting.await?, token_is_spent: false });
    }
    let drafting = after_learning_profile(line, job, drafting);
    let (draft, token_is_spent) = while_showing_animation(clients, job, drafting).await;
    Ok(Drafted::Draft { draft: draft?, token_is_spent })
}

/// Stores a draft.
pub(crate) async fn store(
    config: &Config,
    storage: &Storage,
    job: &Job,
    Draft { exchange, window, reply, spent, seen, merged, quotes, quoted_from, note, .. }: Draft<'_>,
    token_is_spent: bool,
    by: Option<u32>,
) -> Result<StoreResult, Failure> {
    let now = storage.now();
    // A person who asks again needs no note about the answer that is replaced.
    let replaces = exchange.as_ref().is_some_and(|exchange| exchange.replaces.is_some());
    let note = note.filter(|_| !replaces && !token_is_spent && may_reply(job, now));
    let reply = reply.map(|reply| Reply { note, ..reply });
    let pushes = reply.map(|reply| messages::pushes(&job.conversation, &reply)).unwrap_or_default();
    // This job may come from an edit that reaches the history after the load, so the job's own time counts, too.
    let edit = seen.edit.max(job.at());
    let others = seen.others;
    let mut answer = Answer {
        exchange,
        window,
        by,
        pushes,
        spent,
        edit,
        others,
        merged,
        quotes,
        quoted_from,
        ..Answer::default()
    };
    let wants = note.is_some() && answer.pushes.len() == 1;
    answer.method = first_method(config, job, &answer, wants, token_is_spent, now);
    let stored = traces::step("store", storage.store(job, &answer, seen.forgotten)).await?;
    log!(debug, Stored, event = %job.event_id, pushes = answer.pushes.len(), "the answer is stored");
    Ok(stored)
}
