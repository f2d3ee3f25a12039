//! The buttons below an answer, and the help text: both show only the commands that this chat has.

use shared::{command::Command, job::Job};

use crate::{
    config::Config,
    locale::{Locale, Words},
    rules::{persona::Personas, user_quota::may_change_persona},
    text::messages::Button,
};

/// Returns the buttons that send these commands, without commands that this chat does not have. A group has no buttons,
/// because a button there would speak to everybody but the bot.
pub(crate) fn buttons(config: &Config, job: &Job, locale: Locale, commands: &[Command]) -> Vec<Button> {
    let labels = &locale.words().labels;
    let has_personas = config.personas.is_some();
    let there_is = |command: &&Command| {
        job.is_private()
            && match command {
                Command::Persona(_) => has_personas,
                Command::Handoff => config.handoff_to.is_some(),
                _ => true,
            }
    };
    let button = |command: &Command| {
        let label = match command {
            Command::Forget => labels.forget,
            Command::Help => labels.help,
            Command::Persona(_) => labels.persona,
            Command::Retry => labels.retry,
            Command::Continue => labels.go_on,
            Command::Handoff => labels.handoff,
            Command::Back => labels.back,
        };
        Button { label: label.to_owned(), text: locale.word_of(command).to_owned() }
    };
    commands.iter().filter(there_is).map(button).collect()
}

/// Returns the buttons of all personas, and of the bot's own character.
pub(crate) fn persona_buttons(personas: &Personas, words: &Words, locale: Locale) -> Vec<Button> {
    let word = locale.word_of(&Command::Persona(None));
    let own = (words.labels.usual, words.labels.usual);
    let named = personas.0.iter().map(|persona| (persona.name.as_str(), persona.name.as_str()));
    let offer =
        |(label, name): (&str, &str)| Button { label: label.to_owned(), text: format!("{word}: {name}") };
    named.chain([own]).map(offer).collect()
}

/// Returns the help text of this chat; in a group it says how to call the bot.
pub(crate) fn help(config: &Config, job: &Job, locale: Locale) -> String {
    let (words, persona) = (locale.words(), Command::Persona(None));
    let has_personas = config.personas.is_some() && may_change_persona(&config.group_persona, job);
    let lines = words.help.lines().filter(|line| has_personas || !line.contains(locale.word_of(&persona)));
    let of_staff = Some(words.staff_help).filter(|_| config.handoff_to.is_some() && job.is_private());
    let in_group = ["", words.group_help].into_iter().filter(|_| !job.is_private());
    lines.chain(of_staff).chain(in_group).collect::<Vec<_>>().join("\n")
}
