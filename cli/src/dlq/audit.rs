//! A line for each letter that a command dealt with: what, when, who, and what came of it. No words.

use std::path::PathBuf;

use serde_json::json;
use shared::env::Env;
use worker::answer::Clock;

use super::{
    action::{Action, Done},
    letter::Letter,
    lines::Lines,
};

/// The file that grows by a line for each change.
pub struct Audit {
    lines: Lines,
    who: String,
    clock: Clock,
}

impl Audit {
    /// Lines go to this file, which is made with the first of them.
    pub fn new(path: PathBuf, env: &Env, clock: Clock) -> anyhow::Result<Self> {
        let who = env.optional("USER")?.or(env.optional("LOGNAME")?).unwrap_or("unknown").to_owned();
        Ok(Self { lines: Lines::to(path), who, clock })
    }

    /// Writes down what became of a letter.
    pub fn write(&mut self, action: &Action, letter: &Letter, done: &Done) -> anyhow::Result<()> {
        self.lines.add(&json!({
            "at": (self.clock)(),
            "who": self.who,
            "action": action.verb(),
            "outcome": done.word(),
            "why": done.why(),
            "id": letter.id,
            "event": letter.event,
            "conversation": letter.conversation,
            "reason": letter.reason,
            "state": letter.state,
        }))
    }
}
