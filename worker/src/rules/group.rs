//! What is said to the bot in groups and rooms. Pure.

use shared::job::{Ask, Job};

use crate::history::{Edit, Snapshot};

/// What the model is told of a group.
pub(crate) const PROMPT: &str = "This is a group chat of several people. Where it is known who wrote a message, it begins with their name and a colon; never begin your own messages so.";

/// What a job's message says to the bot by now; `None` where nothing of it is said to it: it quotes somebody
/// else, or was changed and calls the bot no longer.
pub(crate) fn said_to_bot<'a>(job: &Job, text: &'a str, past: &'a Snapshot) -> Option<&'a str> {
    if matches!(job.ask, Ask::Question { only_if_quoting_bot: true, .. }) && !past.quotes_own {
        return None;
    }
    match later_edit(job, past) {
        Some(edit) => Some(edit.text.as_str()).filter(|text| !text.is_empty()),
        None => Some(text),
    }
}

/// The change of the job's message that came after what the job says.
fn later_edit<'a>(job: &Job, past: &'a Snapshot) -> Option<&'a Edit> {
    past.edit.as_ref().filter(|edit| job.at().is_none_or(|at| edit.at > at))
}

/// Whether a later job asks what the job's message says since it was changed.
pub(crate) fn is_asked_anew(job: &Job, past: &Snapshot) -> bool {
    later_edit(job, past).is_some_and(|edit| !edit.text.is_empty())
}

/// Whether the job's message was answered by another turn: it was changed, and each text is a question.
pub(crate) fn is_answered(job: &Job, past: &Snapshot) -> bool {
    past.answered_by.as_ref().is_some_and(|event| *event != job.event_id)
}
