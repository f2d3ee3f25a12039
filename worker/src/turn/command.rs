//! The chapter of obeying: what a command does, and what it asks the model.

use shared::job::{EventId, Job, MessageId};
use tracing::info;
use unicode_segmentation::UnicodeSegmentation;

use crate::{
    failure::Failure,
    history::{Exchange, Forget, Question, Snapshot, TurnRef, Unanswered},
    locale::{Locale, Words},
    rules::attachment::Attachment,
    rules::command::Command,
    rules::conversation::{Message, Role, by},
    rules::image::Picture,
    rules::persona::{Choice, Chosen, Personas},
    text::messages::{Button, Reply},
    turn::{AttemptError, Worker},
};

/// What the model is told where a person wants more of a cut answer.
const GO_ON: &str = "Continue your last answer from exactly where it stopped, in the same language, without repeating or announcing anything.";
/// How much of a person's description is said back to them, in characters.
const SAID_BACK: usize = 40;

/// What a message comes to.
pub(crate) enum Plan<'a> {
    /// This is said, and nothing is asked.
    Say(Reply<'a>),
    /// The model is asked.
    AskModel(PromptInput),
}

/// A question as the model is asked it.
#[derive(Default)]
pub(crate) struct PromptInput {
    /// What was said before.
    pub(crate) past: Vec<Message>,
    /// What was asked just before, and is answered with it.
    pub(crate) before: Vec<Question>,
    /// What is asked.
    pub(crate) question: String,
    /// What is kept of it as the person's words.
    pub(crate) kept: String,
    /// In a group: who asks, where it is known.
    pub(crate) speaker: Option<String>,
    /// The message that it stands in.
    pub(crate) message_id: Option<MessageId>,
    /// What it is about beside its words.
    pub(crate) attached: Option<Attachment>,
    /// The picture that is shown with it.
    pub(crate) picture: Option<Picture>,
    /// What is said back of it where it was spoken.
    pub(crate) heard: Option<String>,
    /// The turn whose place the answer takes.
    pub(crate) replaces: Option<EventId>,
}

impl PromptInput {
    /// What is asked, each a message of its own.
    pub(crate) fn questions(&self) -> Vec<String> {
        let before = self.before.iter().map(|said| by(said.speaker.as_deref(), &said.text));
        before.chain([by(self.speaker.as_deref(), &self.question)]).collect()
    }

    /// What is kept with the answer, in this turn.
    pub(crate) fn exchange(self, event: &EventId, answer: String) -> Exchange {
        let Self { before, kept, message_id, speaker, replaces, .. } = self;
        let own = Question { event: event.clone(), text: kept, message_id, speaker };
        Exchange { questions: before.into_iter().chain([own]).collect(), answer, replaces }
    }
}

impl Worker {
    /// Does what a command says; anything else is a question.
    pub(crate) async fn obey<'a>(
        &self,
        job: &Job,
        text: &str,
        command: Option<Command>,
        past: Snapshot,
        locale: Locale,
    ) -> Result<Plan<'a>, AttemptError> {
        let words = locale.words();
        let say = |text: &str| Ok(Plan::Say(text.into()));
        let question = |past: Snapshot| PromptInput {
            past: past.messages,
            question: text.to_owned(),
            kept: text.to_owned(),
            message_id: job.message_id().cloned(),
            attached: Attachment::of(&job.ask).filter(|_| !past.changes.quotes_own),
            speaker: self.speaker(job),
            ..PromptInput::default()
        };
        let Some(command) = command else { return Ok(Plan::AskModel(question(past))) };
        info!(event = %job.event_id, command = command.word(Locale::En), "obeys");
        match (command, &self.config.personas) {
            (Command::Forget, _) => {
                let talk = Forget::Talk(job.at().unwrap_or(i64::MAX));
                let forget = || self.history.forget(&job.conversation, talk.clone(), self.now());
                self.persist(forget).await?;
                say(words.forgotten)
            }
            (Command::Help, _) => {
                let commands = [Command::Retry, Command::Persona(None), Command::Forget];
                let buttons = self.buttons(job, locale, &commands);
                Ok(Plan::Say(Reply { buttons, ..self.help(job, locale).as_str().into() }))
            }
            (Command::Persona(None), Some(personas)) if job.is_private() => {
                let buttons = offers(personas, words, locale);
                Ok(Plan::Say(Reply { buttons, ..words.persona_ask.into() }))
            }
            (Command::Persona(None), Some(personas)) => {
                let names = personas.0.iter().map(|persona| persona.name.as_str());
                let names: Vec<_> = names.chain([words.labels.usual]).collect();
                say(&(words.group_persona_ask)(&names.join(", ")))
            }
            (Command::Persona(Some(who)), Some(personas)) => {
                say(&self.become_persona(job, &who, personas, words).await?)
            }
            (Command::Persona(_), None) => Ok(Plan::AskModel(question(past))),
            (Command::Retry, _) => {
                Ok(again(past).map_or(Plan::Say(words.nothing_to_retry.into()), Plan::AskModel))
            }
            (Command::Continue, _) if past.messages.is_empty() => say(words.nothing_to_continue),
            (Command::Continue, _) => {
                let question = question(past);
                Ok(Plan::AskModel(PromptInput { question: GO_ON.to_owned(), attached: None, ..question }))
            }
        }
    }

    /// What the bot can do, but for what this chat cannot have; in a group with how it is called there.
    fn help(&self, job: &Job, locale: Locale) -> String {
        let (words, persona) = (locale.words(), Command::Persona(None));
        let has_personas =
            self.config.personas.is_some() && self.may_not_change(job, Some(&persona)).is_none();
        let lines = words.help.lines().filter(|line| has_personas || !line.contains(persona.word(locale)));
        let in_group = ["", words.group_help].into_iter().filter(|_| !job.is_private());
        lines.chain(in_group).collect::<Vec<_>>().join("\n")
    }

    /// Buttons that send these commands, but for those that there are not. In a group a button would speak to
    /// everybody but the bot.
    pub(crate) fn buttons(&self, job: &Job, locale: Locale, commands: &[Command]) -> Vec<Button> {
        let labels = &locale.words().labels;
        let has_personas = self.config.personas.is_some();
        let there_is = |command: &&Command| {
            job.is_private() && (has_personas || !matches!(command, Command::Persona(_)))
        };
        let button = |command: &Command| {
            let label = match command {
                Command::Forget => labels.forget,
                Command::Help => labels.help,
                Command::Persona(_) => labels.persona,
                Command::Retry => labels.retry,
                Command::Continue => labels.go_on,
            };
            Button { label: label.to_owned(), text: command.word(locale).to_owned() }
        };
        commands.iter().filter(there_is).map(button).collect()
    }

    /// Keeps who the bot is to be, and returns what is said of it.
    async fn become_persona(
        &self,
        job: &Job,
        who: &str,
        personas: &Personas,
        words: &Words,
    ) -> Result<String, Failure> {
        let (chosen, said) = match personas.choose(who) {
            Choice::TooLong => return Ok(words.persona_too_long.to_owned()),
            // It is short, and yet there would be no room for questions beside it.
            Choice::Chosen(chosen)
                if !self.config.budget.has_room_beside(&self.system_prompt(Some(&chosen))) =>
            {
                return Ok(words.persona_too_long.to_owned());
            }
            Choice::Default => (None, words.persona_reset.to_owned()),
            Choice::Chosen(chosen) => {
                let (Chosen::Named(name) | Chosen::Described(name)) = &chosen;
                let said = (words.persona_set)(&said_back(name, SAID_BACK));
                (serde_json::to_string(&chosen).ok(), said)
            }
        };
        self.persist(|| self.history.choose(&job.conversation, chosen.clone())).await?;
        Ok(said)
    }
}

/// What a person said, on one line and not too long.
pub(crate) fn said_back(words: &str, most: usize) -> String {
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.grapheme_indices(true).nth(most) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The last question, to be asked again as if there had been no answer. Of several that were answered
/// together it is the last one: the others stand before it as they did.
fn again(past: Snapshot) -> Option<PromptInput> {
    let Snapshot { mut messages, newest, unanswered, .. } = past;
    let is_other = |turn: &TurnRef| newest.as_ref().is_none_or(|newest| newest.event != turn.event);
    if let Some(Unanswered { turn, question, speaker }) = unanswered.filter(|it| is_other(&it.turn)) {
        let (replaces, message_id) = (Some(turn.event), turn.message_id);
        let (past, kept) = (messages, question.clone());
        let attached = Attachment::of_kept(&kept, message_id.as_ref());
        return Some(PromptInput {
            past,
            question,
            kept,
            speaker,
            message_id,
            attached,
            replaces,
            ..PromptInput::default()
        });
    }
    let at = messages.iter().rposition(|message| message.role == Role::User)?;
    let Message { content: kept, speaker, .. } = messages.drain(at..).next()?;
    // Going on was asked for by a word that says nothing to the model.
    let question =
        if Command::of(&kept) == Some(Command::Continue) { GO_ON.to_owned() } else { kept.clone() };
    let (replaces, message_id) = newest.map(|turn| (turn.event, turn.message_id)).unzip();
    let message_id = message_id.flatten();
    let attached = Attachment::of_kept(&kept, message_id.as_ref());
    Some(PromptInput {
        past: messages,
        question,
        kept,
        message_id,
        speaker,
        attached,
        replaces,
        ..PromptInput::default()
    })
}

/// The buttons of all personas, and of the bot's own.
fn offers(personas: &Personas, words: &Words, locale: Locale) -> Vec<Button> {
    let word = Command::Persona(None).word(locale);
    let own = (words.labels.usual, words.labels.usual);
    let named = personas.0.iter().map(|persona| (persona.name.as_str(), persona.name.as_str()));
    let offer =
        |(label, name): (&str, &str)| Button { label: label.to_owned(), text: format!("{word}: {name}") };
    named.chain([own]).map(offer).collect()
}
