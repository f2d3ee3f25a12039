//! The window: the messages of a conversation that the model is given. Pure.
//!
//! A conversation that outgrows the model's context, or `QUERY_LIMIT`, loses the oldest third of its turns at
//! once, and the start of the window is stored with the answer. So the prompts of the turns that follow begin alike,
//! which the model's prompt cache needs: a window that moved by a turn each time would change its start each time.

use super::conversation::{Message, Role};
use crate::history::{Snapshot, WindowStart};

/// The part of the turns that is left out at once: one of so many.
const PART: usize = 3;

impl Snapshot {
    /// Leaves out the messages before the start of the window, if that was found for this room.
    pub(crate) fn recall(&mut self, room: &str) {
        let Some(start) = self.window.take_if(|start| start.within == room) else { return };
        let from = self.times.partition_point(|time| *time <= start.after);
        self.times.drain(..from);
        self.messages.drain(..from);
    }
}

/// The new start of the window, if it moves. `past` is what the window held, `times` are its messages' own,
/// `left_out` of them had no room in the prompt, `added` more are stored now, and `most` are looked up. The start is
/// good for this `room` only: where there is more, the messages before it are in the window again.
pub(crate) fn moved(
    past: &[Message],
    times: &[String],
    mut left_out: usize,
    added: usize,
    most: usize,
    room: String,
) -> Option<WindowStart> {
    // A row more than is looked up would push out the oldest one by one.
    while left_out < past.len() && past.len() - left_out + added > most {
        left_out = a_third_on(past, left_out);
    }
    let after = times.get(left_out.checked_sub(1)?)?.clone();
    Some(WindowStart { after, within: room })
}

/// Where `past` begins once the oldest third of its turns from `from` on is left out: at least one of them.
pub(crate) fn a_third_on(past: &[Message], from: usize) -> usize {
    let starts: Vec<usize> = (from..past.len()).filter(|&i| i == from || begins_turn(past, i)).collect();
    starts.get((starts.len() / PART).max(1)).copied().unwrap_or(past.len())
}

/// Whether a turn begins with this message: with what the person said after an answer. What was said in one
/// go, and answered together, is one turn.
pub(crate) fn begins_turn(messages: &[Message], index: usize) -> bool {
    let is_user = |message: &Message| message.role == Role::User;
    is_user(&messages[index]) && !index.checked_sub(1).is_some_and(|before| is_user(&messages[before]))
}
