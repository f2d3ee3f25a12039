//! The notice for a person who reached a limit: of each limit once a period, and then nothing.

use shared::job::Job;
use tracing::info;

use super::{draft::Draft, user};
use crate::{
    adapters::line::LineClient,
    config::Config,
    history::{ConversationChanges, Limit, Period, Tokens, Usage, UsageDelta},
};

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
