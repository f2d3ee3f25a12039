//! The rules of groups and rooms: the current words of a message to the bot after an edit, whether a quote calls the
//! bot, and whether another turn answered the message. Pure.

use shared::job::{Job, JobKind};

use crate::history::{ConversationChanges, Edit};

/// Returns the current words of a job's message to the bot. Returns `None` if the message says nothing to the bot: it
/// quotes somebody else's message, or it was edited and does not call the bot any more.
pub(crate) fn said_to_bot<'a>(job: &Job, text: &'a str, changes: &'a ConversationChanges) -> Option<&'a str> {
    if matches!(job.kind, JobKind::Question { only_if_quoting_bot: true, .. }) && !changes.quotes_own {
        return None;
    }
    match later_edit(job, changes) {
        Some(edit) => Some(edit.text.as_str()).filter(|text| !text.is_empty()),
        None => Some(text),
    }
}

/// Returns the edit of the job's message that is newer than the words in the job.
fn later_edit<'a>(job: &Job, changes: &'a ConversationChanges) -> Option<&'a Edit> {
    changes.edit.as_ref().filter(|edit| job.at().is_none_or(|at| edit.at > at))
}

/// Whether a later job asks the words that the job's message has since its edit.
pub(crate) fn is_asked_anew(job: &Job, changes: &ConversationChanges) -> bool {
    later_edit(job, changes).is_some_and(|edit| !edit.text.is_empty())
}

/// Whether another turn answered the job's message. This happens if the message was edited, because each text is a
/// question.
pub(crate) fn is_answered(job: &Job, changes: &ConversationChanges) -> bool {
    changes.answered_by.as_ref().is_some_and(|event| *event != job.event_id)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::job::{ConversationId, EventId};

    use super::*;

    fn event(id: &str) -> EventId {
        id.to_owned().try_into().unwrap()
    }

    /// Returns a question of a group that was said at this time.
    fn job(only_if_quoting_bot: bool, happened_at: Option<i64>) -> Job {
        let text = "what it said at first".to_owned();
        let (message_id, quote_token, quotes, content) = (None, None, None, None);
        let ask = JobKind::Question {
            text,
            message_id,
            quote_token,
            quotes,
            content,
            only_if_quoting_bot,
            by_button: false,
        };
        let group = ConversationId::of_known_id("C1".to_owned()).unwrap();
        Job { happened_at, ..Job::new(event("e1"), group, ask) }
    }

    #[test]
    fn a_message_says_what_it_was_last_changed_to_and_nothing_where_it_calls_the_bot_no_longer() {
        let first = Some("what it said at first");
        for (at, edit, said, is_asked) in [
            (Some(5), None, first, false),
            (Some(5), Some((6, "by now")), Some("by now"), true),
            (Some(5), Some((6, "")), None, false),
            // The job has the edit, or a later one.
            (Some(5), Some((5, "by now")), first, false),
            (Some(5), Some((4, "before")), first, false),
            // Jobs of the first version have no time.
            (None, Some((4, "by now")), Some("by now"), true),
        ] {
            let edit = edit.map(|(at, text)| Edit { text: text.to_owned(), at });
            let changes = ConversationChanges { edit, ..ConversationChanges::default() };
            let job = job(false, at);
            assert_eq!(said_to_bot(&job, "what it said at first", &changes), said, "{at:?} {changes:?}");
            assert_eq!(is_asked_anew(&job, &changes), is_asked, "{at:?} {changes:?}");
        }
    }

    #[test]
    fn a_message_that_only_quotes_is_said_to_the_bot_where_it_quotes_the_bot() {
        for (only_if_quoting_bot, quotes_own, is_said) in
            [(false, false, true), (false, true, true), (true, true, true), (true, false, false)]
        {
            let changes = ConversationChanges { quotes_own, ..ConversationChanges::default() };
            let said = said_to_bot(&job(only_if_quoting_bot, None), "hi", &changes);
            assert_eq!(said, is_said.then_some("hi"), "{only_if_quoting_bot} {quotes_own}");
        }
    }

    #[test]
    fn a_message_that_another_turn_answered_is_answered() {
        for (answered_by, expected) in [(None, false), (Some("e1"), false), (Some("e2"), true)] {
            let answered_by = answered_by.map(event);
            let changes = ConversationChanges { answered_by, ..ConversationChanges::default() };
            assert_eq!(is_answered(&job(false, None), &changes), expected, "{changes:?}");
        }
    }
}
