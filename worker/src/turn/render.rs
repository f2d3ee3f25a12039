//! The chapter of composing: how the model's answer is said, by whom, and to which message.

use jiff::Timestamp;
use shared::job::Job;

use crate::{
    config::Config,
    rules::command::Command,
    rules::persona::{self, Chosen},
    text::markdown::Plain,
    text::messages::{Reply, Sender},
    turn::Worker,
};

impl Worker {
    /// Composes the reply from these words, with a remark where the answer was cut. It quotes the question where it would
    /// be unclear to which message it belongs.
    pub(crate) fn compose<'a>(
        &'a self,
        job: &'a Job,
        mut words: Plain,
        cut: bool,
        persona: Option<&Chosen>,
        is_unclear: bool,
    ) -> Reply<'a> {
        let locale = self.locale(job);
        if cut {
            words.text.extend(["\n\n", locale.words().cut]);
        }
        let go_on = cut.then_some(Command::Continue);
        let commands: Vec<_> = go_on.into_iter().chain([Command::Retry, Command::Help]).collect();
        let buttons = self.buttons(job, locale, &commands);
        let quote = job.quote_token().filter(|_| is_unclear);
        Reply { heard: None, words, buttons, sender: self.sender(persona), quote }
    }

    /// The character in a conversation that has chosen this.
    pub(crate) fn system_prompt(&self, chosen: Option<&Chosen>) -> String {
        let Config { system_prompt, personas, .. } = &self.config;
        persona::system_prompt(system_prompt.as_deref(), personas.as_ref(), chosen)
    }

    /// Who is shown as speaking: a persona on offer has a name.
    fn sender(&self, persona: Option<&Chosen>) -> Option<Sender<'_>> {
        let Some(Chosen::Named(name)) = persona else { return None };
        let persona = self.config.personas.as_ref()?.named(name)?;
        Some(Sender::new(&persona.name, persona.icon.as_deref()))
    }
}

/// Whether something was said since the message came, so that its answer had better name it. A row of
/// the article's bot, which wrote local times, may be ahead of the clock: that one says nothing.
pub(crate) fn came_between(job: &Job, last: Option<Timestamp>, now: Timestamp) -> bool {
    let accepted_at = job.accepted_at.and_then(|at| Timestamp::from_millisecond(at).ok());
    let is_between = |(accepted_at, last)| accepted_at < last && last <= now;
    job.run.is_some() || accepted_at.zip(last).is_some_and(is_between)
}
