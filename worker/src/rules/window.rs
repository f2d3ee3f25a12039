//! Where memory begins. Pure.
//!
//! A conversation that outgrows the model's context, or `QUERY_LIMIT`, loses the oldest third of its turns at
//! once, and the place where it begins then is stored with the answer. So the prompts of the turns that
//! follow begin alike, which the model's prompt cache needs: a window that slid by a turn each time would
//! change the beginning each time.

use crate::{
    config::Config,
    history::{Snapshot, WindowStart},
    rules::conversation::{Message, a_third_on},
};

impl Config {
    /// For what a beginning of memory is good: where more has room, what was left out is remembered again.
    fn memory_within(&self) -> String {
        format!("{}-{}/{}", self.budget.context_tokens, self.budget.max_tokens, self.query_limit)
    }
}

impl Snapshot {
    /// Leaves out what is no longer remembered.
    pub(crate) fn recall(&mut self, config: &Config) {
        let within = config.memory_within();
        let Some(memory) = self.memory.take_if(|memory| memory.within == within) else { return };
        let from = self.times.partition_point(|time| *time <= memory.after);
        self.times.drain(..from);
        self.messages.drain(..from);
    }
}

/// Where memory begins from now on, if it moves. `past` is what was remembered, `times` are its messages'
/// own, `left_out` of them had no room in the prompt, and `added` more are stored now.
pub(crate) fn moved(
    config: &Config,
    past: &[Message],
    times: &[String],
    mut left_out: usize,
    added: usize,
) -> Option<WindowStart> {
    // A row more than is looked up would push out the oldest one by one.
    while left_out < past.len() && past.len() - left_out + added > config.query_limit as usize {
        left_out = a_third_on(past, left_out);
    }
    let after = times.get(left_out.checked_sub(1)?)?.clone();
    Some(WindowStart { after, within: config.memory_within() })
}
