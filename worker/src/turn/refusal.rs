//! The limits of a person, and the notice for whoever reached one: of each limit once a period, and then nothing.

use shared::job::Job;
use tracing::info;

use super::{draft::Draft, user};
use crate::{
    adapters::line::LineClient,
    config::Config,
    history::{ConversationChanges, Limit, Period, Tokens, Usage, UsageDelta},
    rules::command::Command,
};

/// Whether a person may change the persona of this chat. It is everybody's in a group, so only who is allowed to
/// changes it there.
pub(crate) fn may_change_persona(config: &Config, job: &Job) -> bool {
    job.is_private() || config.group_persona.allows(job.speaker.as_ref())
}

/// The limit that keeps a persona command from being obeyed.
pub(crate) fn persona_limit(config: &Config, job: &Job, command: Option<&Command>) -> Option<Limit> {
    let is_asked = matches!(command, Some(Command::Persona(_)));
    (is_asked && !may_change_persona(config, job)).then_some(Limit::Persona)
}

/// The draft for a person who may not ask this.
pub(crate) async fn refuse<'a>(
    config: &Config,
    line: &LineClient,
    job: &Job,
    limit: Limit,
    period: Option<Period>,
    used: &Usage,
    changes: &ConversationChanges,
) -> Draft<'a> {
    info!(event = %job.event_id, conversation = %job.conversation, limit = limit.as_str(), "not asked");
    let draft = Draft { seen: changes.seen(), ..Draft::default() };
    if used.told.contains(&limit) {
        return draft;
    }
    user::profile(line, job).await;
    let said = config.quota.says(limit, user::locale(line, job, config.locale).words());
    let spent =
        period.map(|period| UsageDelta { period, answers: 0, tokens: Tokens::default(), told: Some(limit) });
    Draft { reply: Some(said.as_str().into()), spent, ..draft }
}
