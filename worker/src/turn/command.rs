//! Carries out a command, or turns it into a question to the model.

use shared::{
    command::Command,
    event::log,
    job::{Job, UserId},
};

use super::{
    buttons::{buttons, help, persona_buttons, whether_to_forget},
    handoff,
    prompt_input::{Plan, PromptInput},
    user,
};
use crate::{
    adapters::line::LineClient,
    config::Config,
    failure::Failure,
    history::{Forget, Snapshot, TurnRef, Unanswered},
    locale::{Privacy, Words},
    rules::{
        conversation::{Message, Role},
        message_kind::Attachment,
        persona::{Choice, Chosen, Personas},
        waiting::set_of,
    },
    storage::Storage,
    text::{excerpt::excerpt, messages::Reply},
};

/// The instruction to the model when a person wants more of a cut answer.
const CONTINUE_INSTRUCTION: &str = "Continue your last answer from exactly where it stopped, in the same language, without repeating or announcing anything.";
/// The longest part of a person's description that the bot repeats to them, in characters.
const ECHO_MAX_CHARS: usize = 40;

/// Carries out a command. Any other message is a question.
pub(crate) async fn carry_out<'a>(
    config: &Config,
    storage: &Storage,
    line: &LineClient,
    job: &Job,
    text: &str,
    command: Option<Command>,
    past: Snapshot,
) -> Result<Plan<'a>, Failure> {
    let locale = user::locale(line, job, config.locale);
    let words = locale.words();
    let say = |text: &str| Ok(Plan::Say(text.into()));
    let question = |past: Snapshot| PromptInput {
        past: past.messages,
        question: text.to_owned(),
        kept: text.to_owned(),
        message_id: job.message_id().cloned(),
        quotes: job.quotes().cloned(),
        attachment: Attachment::of(&job.kind).filter(|_| !past.changes.quotes_own),
        speaker: user::speaker(line, job),
        image_set: set_of(job).map(|set| set.id.clone()),
        ..PromptInput::default()
    };
    let Some(command) = command else { return Ok(Plan::AskModel(question(past))) };
    log!(info, Command, event = %job.event_id, command = command.name(), "the message is a command");
    match (command, &config.personas) {
        (Command::Forget, _) => {
            // A message that was edited into this command forgets everything up to the edit.
            let until = storage.forgets_until(job).max(past.changes.edit.map_or(i64::MIN, |edit| edit.at));
            storage.forget(&job.conversation, Forget::Messages(until)).await?;
            user::profile(line, job).await;
            say(user::locale(line, job, config.locale).words().forgotten)
        }
        (Command::AskForget, _) => {
            let buttons = whether_to_forget(words);
            Ok(Plan::Say(Reply { buttons, ..words.ask_forget.into() }))
        }
        (Command::Keep, _) => say(words.kept),
        (Command::Privacy, _) => {
            let buttons = buttons(config, job, locale, &[Command::Forget]);
            Ok(Plan::Say(Reply { buttons, ..(words.privacy)(&privacy(config, job)).as_str().into() }))
        }
        (Command::Handoff, _) => {
            handoff::hand_off(config, storage, line, job, past.changes.pause).await.map(Plan::Say)
        }
        (Command::Back, _) => handoff::hand_back(config, storage, line, job).await.map(Plan::Say),
        (Command::Help, _)
            if let Some(pause) = past.changes.pause.filter(|it| it.is_running(storage.now())) =>
        {
            Ok(Plan::Say(handoff::state(config, job, locale, pause)))
        }
        (Command::Help, _) => {
            let commands = [Command::Retry, Command::Persona(None), Command::Forget, Command::Handoff];
            let buttons = buttons(config, job, locale, &commands);
            Ok(Plan::Say(Reply { buttons, ..help(config, job, locale).as_str().into() }))
        }
        (Command::Persona(None), Some(personas)) => {
            let buttons = persona_buttons(personas, words, locale, job);
            if job.is_private() {
                return Ok(Plan::Say(Reply { buttons, ..words.persona_ask.into() }));
            }
            let names = personas.0.iter().map(|persona| persona.name.as_str());
            let names: Vec<_> = names.chain([words.labels.usual]).collect();
            let asked = (words.group_persona_ask)(&names.join(", "));
            Ok(Plan::Say(Reply { buttons, ..asked.as_str().into() }))
        }
        (Command::Persona(Some(who)), Some(personas)) => {
            say(&choose_persona(config, storage, job, &who, personas, words).await?)
        }
        (Command::Persona(_), None) => Ok(Plan::AskModel(question(past))),
        (Command::Retry, _) => {
            Ok(ask_again(past).map_or(Plan::Say(words.nothing_to_retry.into()), Plan::AskModel))
        }
        (Command::Continue, _) if past.messages.is_empty() => say(words.nothing_to_continue),
        (Command::Continue, _) => {
            let question = question(past);
            Ok(Plan::AskModel(PromptInput {
                question: CONTINUE_INSTRUCTION.to_owned(),
                quotes: None,
                attachment: None,
                ..question
            }))
        }
    }
}

/// Returns the facts about privacy for the person who asks. The id of anybody else is not told in a group.
fn privacy<'a>(config: &Config, job: &'a Job) -> Privacy<'a> {
    Privacy {
        days: config.history_ttl.map(|ttl| ttl.as_hours() / 24),
        models_owner: config.openai.owner(),
        user: if job.is_private() {
            Some(job.conversation.as_str())
        } else {
            job.speaker.as_ref().map(UserId::as_str)
        },
    }
}

/// Keeps the persona that a person chose for the bot, and returns the reply to them.
async fn choose_persona(
    config: &Config,
    storage: &Storage,
    job: &Job,
    who: &str,
    personas: &Personas,
    words: &Words,
) -> Result<String, Failure> {
    let has_room = |chosen: &Chosen| {
        config.model.budget.has_room_beside(&config.system_message(Some(chosen), job.is_private()))
    };
    let (chosen, said) = match personas.choose(who) {
        Choice::TooLong => return Ok(words.persona_too_long.to_owned()),
        // The description is short enough, but it leaves no room for questions in the context.
        Choice::Chosen(chosen) if !has_room(&chosen) => return Ok(words.persona_too_long.to_owned()),
        Choice::Default => (None, words.persona_reset.to_owned()),
        Choice::Chosen(chosen) => {
            let (Chosen::Named(name) | Chosen::Described(name)) = &chosen;
            let said = (words.persona_set)(&excerpt(name, ECHO_MAX_CHARS));
            (serde_json::to_string(&chosen).ok(), said)
        }
    };
    storage.choose(job, chosen).await?;
    Ok(said)
}

/// Returns the last question, so that it is asked again as if there had been no answer. Of several questions that were
/// answered together, it is the last one, and the others remain before it.
fn ask_again(past: Snapshot) -> Option<PromptInput> {
    let Snapshot { mut messages, newest, unanswered, images, .. } = past;
    let is_other = |turn: &TurnRef| newest.as_ref().is_none_or(|newest| newest.event != turn.event);
    if let Some(Unanswered { turn, question, kind, speaker, image_set, asked_with, .. }) =
        unanswered.filter(|it| is_other(&it.turn))
    {
        return Some(PromptInput {
            past: messages,
            kept: question.clone(),
            attachment: Attachment::of_kind(kind, &question, turn.message_id.as_ref()),
            question,
            speaker,
            message_id: turn.message_id,
            image_set,
            asked_with,
            replaces: Some(turn.event),
            ..PromptInput::default()
        });
    }
    let at = messages.iter().rposition(|message| message.role == Role::User)?;
    let Message { content: kept, kind, speaker, .. } = messages.drain(at..).next()?;
    // The word of the command *continue* says nothing to the model.
    let question = if Command::said(&kept) == Some(Command::Continue) {
        CONTINUE_INSTRUCTION.to_owned()
    } else {
        kept.clone()
    };
    let (replaces, message_id) = newest.map(|turn| (turn.event, turn.message_id)).unzip();
    let message_id = message_id.flatten();
    Some(PromptInput {
        past: messages,
        question,
        attachment: Attachment::of_kind(kind, &kept, message_id.as_ref()),
        kept,
        image_set: message_id.as_ref().and_then(|id| images.set_of(id)),
        message_id,
        speaker,
        replaces,
        ..PromptInput::default()
    })
}
