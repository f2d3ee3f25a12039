//! Renders the model's answer: its words, its sender, and the message that it quotes.

use jiff::Timestamp;
use shared::{command::Command, job::Job};

use super::buttons::buttons;
use crate::{
    config::Config,
    locale::Locale,
    rules::persona::Chosen,
    text::{
        markdown::Plain,
        messages::{Reply, Sender},
    },
};

/// Returns the reply with these words, and with a remark if the answer was cut. It quotes the question if it would be
/// unclear to which message it belongs.
pub(crate) fn render<'a>(
    config: &'a Config,
    job: &'a Job,
    locale: Locale,
    mut words: Plain,
    is_cut: bool,
    persona: Option<&Chosen>,
    is_unclear: bool,
) -> Reply<'a> {
    if is_cut {
        words.text.extend(["\n\n", locale.words().cut]);
    }
    let go_on = is_cut.then_some(Command::Continue);
    let commands: Vec<_> = go_on.into_iter().chain([Command::Retry, Command::Help]).collect();
    let buttons = buttons(config, job, locale, &commands);
    let quote = job.quote_token().filter(|_| is_unclear);
    Reply { words, buttons, sender: sender(config, persona), quote, ..Reply::default() }
}

/// Returns the sender that LINE shows: only a persona on offer has a name.
fn sender<'a>(config: &'a Config, persona: Option<&Chosen>) -> Option<Sender<'a>> {
    let Some(Chosen::Named(name)) = persona else { return None };
    let persona = config.personas.as_ref()?.named(name)?;
    Some(Sender::new(&persona.name, persona.icon.as_deref()))
}

/// Whether something was said since the message came, so that its answer should quote it. A row of the article's bot,
/// which wrote local times, may be ahead of the clock: such a row is ignored.
pub(crate) fn came_between(job: &Job, last: Option<Timestamp>, now: Timestamp) -> bool {
    let accepted_at = job.accepted_at.and_then(|at| Timestamp::from_millisecond(at).ok());
    let is_between = |(accepted_at, last)| accepted_at < last && last <= now;
    job.run.is_some() || accepted_at.zip(last).is_some_and(is_between)
}
