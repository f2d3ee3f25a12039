//! Lines for each change of a command: that it begins, and what came of it; what, when, who. No words.
//! A command that is killed in between leaves a line that only begins: the record never has less than
//! what happened.

use std::path::PathBuf;

use local::dead_letter::Letter;
use serde_json::{Value, json};
use shared::env::Env;
use worker::clock::Clock;

use super::{action::Action, done::Done, lines::Lines};

/// The file that grows with each change.
pub struct Audit {
    lines: Lines,
    who: String,
    clock: Clock,
}

impl Audit {
    /// Lines go to this file.
    pub fn new(path: PathBuf, env: &Env, clock: Clock) -> anyhow::Result<Self> {
        let who = env.optional("USER")?.or(env.optional("LOGNAME")?).unwrap_or("unknown").to_owned();
        Ok(Self { lines: Lines::to(path), who, clock })
    }

    /// Opens the file; an error before anything was changed.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        self.lines.ready()
    }

    /// Writes down that a letter is about to be changed.
    pub fn begun(&mut self, action: &Action, letter: &Letter) -> anyhow::Result<()> {
        self.about(action, letter, "begun", None)
    }

    /// Writes down what became of it.
    pub fn ended(&mut self, action: &Action, letter: &Letter, done: &Done) -> anyhow::Result<()> {
        self.about(action, letter, done.word(), done.why())
    }

    fn about(
        &mut self,
        action: &Action,
        letter: &Letter,
        outcome: &str,
        why: Option<&str>,
    ) -> anyhow::Result<()> {
        self.add(json!({
            "action": action.verb(),
            "outcome": outcome,
            "why": why,
            "id": letter.id,
            "event": letter.event,
            "conversation": letter.conversation,
            "reason": letter.reason,
            "state": letter.state,
        }))
    }

    /// Writes a line, with when and who.
    pub fn add(&mut self, mut line: Value) -> anyhow::Result<()> {
        line["at"] = json!((self.clock)());
        line["who"] = json!(self.who);
        self.lines.add(&line)
    }
}
