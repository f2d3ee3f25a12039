//! The output of commands on the terminal, and their questions.

pub mod confirm;
mod output;
pub mod report;

pub use self::output::{OutputClosed, Progress, note, note_at_the_end, prompt, say, say_bytes, say_json};
