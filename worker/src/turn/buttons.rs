//! The buttons below an answer, and the help text: both show only the commands that this chat has.

use shared::{command::Command, job::Job};

use crate::{
    config::Config,
    locale::{Locale, Words},
    rules::{persona::Personas, user_quota::may_change_persona},
    text::messages::{Button, Tap},
};

/// Returns the buttons that send these commands, without commands that this chat or this person does not have.
pub(crate) fn buttons(config: &Config, job: &Job, locale: Locale, commands: &[Command]) -> Vec<Button> {
    let labels = &locale.words().labels;
    let button = |command: &Command| {
        let label = match command {
            Command::Forget | Command::AskForget => labels.forget,
            Command::Keep => labels.keep,
            Command::Help => labels.help,
            Command::Persona(_) => labels.persona,
            Command::Retry => labels.retry,
            Command::Continue => labels.go_on,
            Command::Privacy => locale.word_of(command),
            Command::Handoff => labels.handoff,
            Command::Back => labels.back,
        };
        button(job, label, locale.word_of(command), command)
    };
    commands.iter().filter(|command| is_offered(config, job, command)).map(button).collect()
}

/// Whether this chat and this person have this command.
fn is_offered(config: &Config, job: &Job, command: &Command) -> bool {
    match command {
        Command::Persona(_) => config.personas.is_some() && may_change_persona(&config.group_persona, job),
        Command::Handoff => config.handoff_to.is_some() && job.is_private(),
        _ => true,
    }
}

/// Returns the buttons of all personas, and of the bot's own character.
pub(crate) fn persona_buttons(personas: &Personas, words: &Words, locale: Locale, job: &Job) -> Vec<Button> {
    let word = locale.word_of(&Command::Persona(None));
    let own = (words.labels.usual, words.labels.usual);
    let named = personas.0.iter().map(|persona| (persona.name.as_str(), persona.name.as_str()));
    let offer = |(label, name): (&str, &str)| {
        button(job, label, &format!("{word}: {name}"), &Command::Persona(Some(name.to_owned())))
    };
    named.chain([own]).map(offer).collect()
}

/// Returns the buttons below the notice that the bot cannot read what was sent: one opens the person's photos, if the
/// model can see them.
pub(crate) fn buttons_instead(config: &Config, job: &Job, locale: Locale) -> Vec<Button> {
    let photos = locale.words().file_notices.photos.to_owned();
    let photos = (job.is_private() && config.model.may_see())
        .then_some(Button { label: photos, tap: Tap::OpensPhotos });
    photos.into_iter().chain(buttons(config, job, locale, &[Command::Help])).collect()
}

/// Returns the two buttons that answer whether to forget the conversation. Each carries its whole command, so that
/// nothing must be remembered until it is tapped.
pub(crate) fn whether_to_forget(words: &Words) -> Vec<Button> {
    let choices = [(words.labels.delete, Command::Forget), (words.labels.keep, Command::Keep)];
    choices.map(|(label, command)| by_data(label, label, &command)).to_vec()
}

/// Makes a button that says `text` in this chat. In a group it sends data, because the text would not call the bot.
fn button(job: &Job, label: &str, text: &str, command: &Command) -> Button {
    if job.is_private() {
        return Button { label: label.to_owned(), tap: Tap::Says(text.to_owned()) };
    }
    by_data(label, text, command)
}

fn by_data(label: &str, text: &str, command: &Command) -> Button {
    let tap = Tap::Sends { data: command.data(), shown: text.to_owned() };
    Button { label: label.to_owned(), tap }
}

/// Returns the help text of this chat; in a group it says how to call the bot.
pub(crate) fn help(config: &Config, job: &Job, locale: Locale) -> String {
    let (words, persona) = (locale.words(), Command::Persona(None));
    let has_personas = is_offered(config, job, &persona);
    let lines = words.help.lines().filter(|line| has_personas || !line.contains(locale.word_of(&persona)));
    let of_staff = Some(words.staff_help).filter(|_| is_offered(config, job, &Command::Handoff));
    let in_group = ["", words.group_help].into_iter().filter(|_| !job.is_private());
    lines.chain(of_staff).chain(in_group).collect::<Vec<_>>().join("\n")
}
