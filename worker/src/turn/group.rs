//! The chapter of groups and rooms: who said it, which messages are the bot's own, and that it may have left.

use shared::job::{Job, MessageId};
use tracing::{info, warn};

use crate::{
    failure::{Failure, RetryPolicy},
    history::Limit,
    rules::command::Command,
    turn::Worker,
};

impl Worker {
    /// Gets to know who spoke in a group, where LINE says it.
    pub(crate) async fn learn_speaker(&self, job: &Job) {
        if let Some(user) = job.speaker.as_ref().filter(|_| !job.is_private()) {
            self.line.learn_member(job.conversation.as_str(), user.as_str()).await;
        }
    }

    /// The name of who spoke in a group, if it is known by now.
    pub(crate) fn speaker(&self, job: &Job) -> Option<String> {
        let user = job.speaker.as_ref().filter(|_| !job.is_private())?;
        self.line.member_name(job.conversation.as_str(), user.as_str())
    }

    /// A persona is everybody's in a group: only who is allowed to changes it there.
    pub(crate) fn may_not_change(&self, job: &Job, command: Option<&Command>) -> Option<Limit> {
        let is_asked = matches!(command, Some(Command::Persona(_))) && !job.is_private();
        (is_asked && !self.config.group_persona.allows(job.speaker.as_ref())).then_some(Limit::Persona)
    }

    /// Remembers which messages of a group are the bot's own. Without it they can only not be quoted.
    pub(crate) async fn remember_own(&self, job: &Job, messages: &[MessageId]) {
        if job.is_private() || messages.is_empty() {
            return;
        }
        if let Err(Failure { detail, .. }) =
            self.persist(|| self.history.remember_own(messages, self.now())).await
        {
            warn!(event = %job.event_id, detail, "who quotes this answer is not heard");
        }
    }

    /// Whether LINE refused something because the bot is in this group no longer.
    pub(crate) async fn has_left(&self, job: &Job, failure: &Failure) -> bool {
        let may_have = failure.remedy == RetryPolicy::Never && !job.is_private();
        let has_left = may_have && self.line.has_left(job.conversation.as_str()).await;
        if has_left {
            info!(event = %job.event_id, conversation = %job.conversation, "the bot is in this group no longer");
        }
        has_left
    }
}
