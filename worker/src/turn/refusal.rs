//! The refusal of a person who reached a limit: one notice for each limit and period, and then nothing.

use shared::{event::log, job::Job};

use super::{draft::Draft, user};
use crate::{
    adapters::line::LineClient,
    config::Config,
    history::{Limit, Period, Snapshot, UsageDelta},
};

/// Returns the draft for a person who may not ask this question.
pub(crate) async fn refuse<'a>(
    config: &Config,
    line: &LineClient,
    job: &Job,
    limit: Limit,
    period: Period,
    past: &Snapshot,
) -> Draft<'a> {
    log!(info, LimitReached, event = %job.event_id, conversation = %job.conversation, limit = limit.as_str(), "a limit is reached: the model is not asked");
    let draft = Draft { seen: past.changes.seen(), ..Draft::default() };
    if past.used.told.contains(&limit) {
        return draft;
    }
    user::profile(line, job).await;
    let said = config.quota.says(limit, user::locale(line, job, config.locale).words());
    Draft { reply: Some(said.as_str().into()), spent: Some(UsageDelta::of_notice(period, limit)), ..draft }
}
