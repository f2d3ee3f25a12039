//! Groups and rooms: what a message there says to the bot by now, after it was changed, quoted or answered. Pure.

use shared::job::{Ask, Job};

use crate::history::{ConversationChanges, Edit};

/// The model's instruction in a group.
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
