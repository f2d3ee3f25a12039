//! What commands say to people, and ask them.

pub mod confirm;
mod output;
pub mod report;

pub use self::output::{Progress, Unheard, note, note_at_the_end, prompt, say, say_bytes, say_json};
