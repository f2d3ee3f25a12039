//! The audit file: two lines for each change, one before it and one with its result. A line says what, when and who,
//! and has no words of people. A command that is killed in between leaves only the first line, so that the file
//! never misses a change that happened.

use std::path::PathBuf;

use local::dead_letter::DeadLetter;
use serde_json::{Value, json};
use shared::env::Env;
use worker::clock::Clock;

use super::{action::Action, done::Done, jsonl::JsonLines};

/// The audit file, and the values that every line has.
pub struct Audit {
    lines: JsonLines,
    who: String,
    clock: Clock,
}

impl Audit {
    /// Makes an audit that writes to this file.
    pub fn new(path: PathBuf, env: &Env, clock: Clock) -> anyhow::Result<Self> {
        let who = env.optional("USER")?.or(env.optional("LOGNAME")?).unwrap_or("unknown").to_owned();
        Ok(Self { lines: JsonLines::to(path), who, clock })
    }

    /// Opens the file, so that an error comes before anything is changed.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        self.lines.ready()
    }

    /// Writes the line before a letter is changed.
    pub fn begun(&mut self, action: &Action, letter: &DeadLetter) -> anyhow::Result<()> {
        self.about(action, letter, "begun", None)
    }

    /// Writes the line with the result of the change.
    pub fn ended(&mut self, action: &Action, letter: &DeadLetter, done: &Done) -> anyhow::Result<()> {
        self.about(action, letter, done.word(), done.why())
    }

    fn about(
        &mut self,
        action: &Action,
        letter: &DeadLetter,
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

    /// Writes a line, and adds the time and the operator's name.
    pub fn add(&mut self, mut line: Value) -> anyhow::Result<()> {
        line["at"] = json!((self.clock)());
        line["who"] = json!(self.who);
        self.lines.add(&line)
    }
}
