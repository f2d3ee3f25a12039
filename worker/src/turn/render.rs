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

/// Whether something was said since the message was said, so that its answer should quote it. LINE may deliver a
/// message long after it was said. A row of the article's bot, which wrote local times, may be ahead of the clock: such
/// a row is ignored.
pub(crate) fn came_between(job: &Job, last: Option<Timestamp>, now: Timestamp) -> bool {
    let said_at = [job.happened_at, job.accepted_at].into_iter().flatten().min();
    let said_at = said_at.and_then(|at| Timestamp::from_millisecond(at).ok());
    let is_between = |(said_at, last)| said_at < last && last <= now;
    job.run.is_some() || said_at.zip(last).is_some_and(is_between)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::job::{ConversationId, EventId, JobKind};

    use super::*;

    #[test]
    fn a_message_is_late_if_something_was_stored_since_it_was_said() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        for (happened_at, accepted_at, last, is_late) in [
            (Some(5), Some(6), Some(4), false),
            (Some(5), Some(6), None, false),
            (Some(5), Some(9), Some(7), true),
            (Some(8), Some(6), Some(7), true),
            (None, Some(6), Some(7), true),
            (None, None, Some(7), false),
            (Some(5), Some(6), Some(11), false),
        ] {
            let event = EventId::try_from("e".to_owned()).unwrap();
            let of = ConversationId::of_known_id("U1".to_owned()).unwrap();
            let job = Job { happened_at, accepted_at, ..Job::new(event, of, JobKind::question("q", None)) };
            assert_eq!(
                came_between(&job, last.map(at), at(10)),
                is_late,
                "{happened_at:?} {accepted_at:?} {last:?}"
            );
            let redriven = Job { run: Some("letter".to_owned()), ..job };
            assert!(came_between(&redriven, last.map(at), at(10)));
        }
    }
}
