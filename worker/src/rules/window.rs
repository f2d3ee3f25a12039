//! The window: the messages of a conversation that the model gets. Pure.
//!
//! If a conversation outgrows the model's context, or `QUERY_LIMIT`, the oldest third of its turns is left out at once,
//! and the start of the window is stored with the answer. So the prompts of the next turns begin alike, which the
//! model's prompt cache needs. A window that moved by one turn each time would change its start each time.

use super::conversation::{Message, Role};
use crate::history::{Snapshot, WindowStart};

/// The number of equal parts of the turns, of which the oldest part is left out at once.
const PART: usize = 3;

impl Snapshot {
    /// Leaves out the messages before the start of the window, if the start was found for the same room in the context.
    pub(crate) fn recall(&mut self, room: &str) {
        let Some(start) = self.window.take_if(|start| start.within == room) else { return };
        let from = self.times.partition_point(|time| *time <= start.after);
        self.times.drain(..from);
        self.messages.drain(..from);
    }
}

/// Returns the new start of the window, if it moves. `past` is the messages of the window, and `times` are their
/// `createdAt`. `left_out` of them had no room in the prompt, `added` more are stored now, and at most `most` are
/// loaded. The start is valid for this `room` only: if there is more room, the messages before the start are in the
/// window again.
pub(crate) fn moved(
    past: &[Message],
    times: &[String],
    mut left_out: usize,
    added: usize,
    most: usize,
    room: String,
) -> Option<WindowStart> {
    // One row more than are loaded would push out the oldest rows one by one.
    while left_out < past.len() && past.len() - left_out + added > most {
        left_out = a_third_on(past, left_out);
    }
    let after = times.get(left_out.checked_sub(1)?)?.clone();
    Some(WindowStart { after, within: room })
}

/// Returns the index at which `past` begins after the oldest third of its turns from `from` on is left out. At least
/// one turn is left out.
pub(crate) fn a_third_on(past: &[Message], from: usize) -> usize {
    let starts: Vec<usize> = (from..past.len()).filter(|&i| i == from || begins_turn(past, i)).collect();
    starts.get((starts.len() / PART).max(1)).copied().unwrap_or(past.len())
}

/// Whether a turn begins with this message: it is a person's message after an answer. Messages that a person sent one
/// after the other, and that were answered together, are one turn.
pub(crate) fn begins_turn(messages: &[Message], index: usize) -> bool {
    let is_user = |message: &Message| message.role == Role::User;
    is_user(&messages[index]) && !index.checked_sub(1).is_some_and(|before| is_user(&messages[before]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::message_kind::MessageKind;

    /// Returns a conversation in which a person and the model say one message for each `u` and `a`.
    fn conversation(roles: &str) -> Vec<Message> {
        let message = |role: char| Message {
            role: if role == 'u' { Role::User } else { Role::Assistant },
            content: role.to_string(),
            kind: MessageKind::Text,
            speaker: None,
        };
        roles.chars().map(message).collect()
    }

    fn times(messages: usize) -> Vec<String> {
        (1..=messages).map(|n| format!("2026-01-0{n}")).collect()
    }

    #[test]
    fn the_oldest_third_of_the_turns_goes_at_once_and_no_turn_is_cut_in_two() {
        for (roles, from, begins) in [
            ("uauauauauaua", 0, 4),
            ("uauauauauaua", 4, 6),
            ("uaua", 0, 2),
            ("ua", 0, 2),
            // Questions that were answered together are one turn.
            ("uuauua", 0, 3),
            // The first answer has no question, because that message was unsent.
            ("auaua", 0, 1),
            ("uauaua", 1, 2),
            ("uaaua", 0, 3),
        ] {
            assert_eq!(a_third_on(&conversation(roles), from), begins, "{roles} from {from}");
        }
    }

    #[test]
    fn the_window_moves_where_turns_have_no_room_and_where_more_rows_are_stored_than_are_looked_up() {
        for (roles, left_out, added, most, after) in [
            ("uaua", 0, 2, 6, None),
            ("uaua", 0, 2, 5, Some("2026-01-02")),
            ("uaua", 2, 2, 100, Some("2026-01-02")),
            ("uauaua", 2, 2, 6, Some("2026-01-02")),
            ("uauaua", 2, 2, 5, Some("2026-01-04")),
            ("uaua", 0, 2, 1, Some("2026-01-04")),
            ("", 0, 2, 1, None),
        ] {
            let past = conversation(roles);
            let moved = moved(&past, &times(past.len()), left_out, added, most, "8192".to_owned());
            let expected =
                after.map(|after| WindowStart { after: after.to_owned(), within: "8192".to_owned() });
            assert_eq!(moved, expected, "{roles} without {left_out}, {added} more of {most}");
        }
    }

    #[test]
    fn a_window_leaves_out_what_is_before_it_for_its_own_room_only() {
        for (room, kept) in [("8192", 2), ("128000", 4)] {
            let window = WindowStart { after: "2026-01-02".to_owned(), within: "8192".to_owned() };
            let (messages, times) = (conversation("uaua"), times(4));
            let mut snapshot = Snapshot { messages, times, window: Some(window), ..Snapshot::default() };
            snapshot.recall(room);
            assert_eq!((snapshot.messages.len(), snapshot.times.len()), (kept, kept), "{room}");
            assert_eq!(snapshot.times.last().map(String::as_str), Some("2026-01-04"));
        }
    }
}
