//! The chapter of groups and rooms: what is said to the bot there, who said it, which messages are its own,
//! and that it may have left.

use shared::job::{Ask, Job, MessageId};
use tracing::{info, warn};

use crate::{
    failure::{Failure, RetryPolicy},
    history::{ConversationChanges, Edit, Limit},
    rules::command::Command,
    turn::Worker,
};

/// What the model is told of a group.
pub(crate) const PROMPT: &str = "This is a group chat of several people. Where it is known who wrote a message, it begins with their name and a colon; never begin your own messages so.";

/// What a job's message says to the bot by now; `None` where nothing of it is said to it: it quotes somebody
/// else, or was changed and calls the bot no longer.
pub(crate) fn said_to_bot<'a>(job: &Job, text: &'a str, changes: &'a ConversationChanges) -> Option<&'a str> {
    if matches!(job.ask, Ask::Question { only_if_quoting_bot: true, .. }) && !changes.quotes_own {
        return None;
    }
    match later_edit(job, changes) {
        Some(edit) => Some(edit.text.as_str()).filter(|text| !text.is_empty()),
        None => Some(text),
    }
}

/// The change of the job's message that came after what the job says.
fn later_edit<'a>(job: &Job, changes: &'a ConversationChanges) -> Option<&'a Edit> {
    changes.edit.as_ref().filter(|edit| job.at().is_none_or(|at| edit.at > at))
}

/// Whether a later job asks what the job's message says since it was changed.
pub(crate) fn is_asked_anew(job: &Job, changes: &ConversationChanges) -> bool {
    later_edit(job, changes).is_some_and(|edit| !edit.text.is_empty())
}

/// Whether the job's message was answered by another turn: it was changed, and each text is a question.
pub(crate) fn is_answered(job: &Job, changes: &ConversationChanges) -> bool {
    changes.answered_by.as_ref().is_some_and(|event| *event != job.event_id)
}

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
