//! A conversation as a file: the steps, their order and pace, and the bot's answers. With it, a bug that was seen once
//! becomes a test.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::step::Step;

/// The version of the file's format.
const VERSION: u32 = 1;

/// The content of the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    #[serde(rename = "henji_conversation")]
    version: u32,
    pub(super) steps: Vec<Recorded>,
    /// The bot's messages to each chat, in order.
    #[serde(default)]
    pub(super) answers: Answers,
}

type Answers = BTreeMap<String, Vec<String>>;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// Whether the bot was idle when this step was done. Then a replay waits until it is idle, too.
    #[serde(default)]
    pub(super) idle: bool,
    /// The time since the step before, in milliseconds.
    #[serde(default)]
    pub(super) after_ms: u64,
    #[serde(flatten)]
    pub(super) step: Step,
}

/// The steps so far, and the bot's answers.
#[derive(Default)]
pub(crate) struct Recording {
    steps: Vec<Recorded>,
    last: Option<Instant>,
    pub(super) answers: Answers,
}

impl Recording {
    /// Records a step.
    pub(super) fn note(&mut self, step: Step, idle: bool) {
        let after = self.last.replace(Instant::now()).map_or(Duration::ZERO, |last| last.elapsed());
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.steps.push(Recorded { idle, after_ms, step });
    }

    /// Records a text that a phone showed.
    pub(super) fn hears(&mut self, user: &str, text: &str) {
        self.answers.entry(user.to_owned()).or_default().push(text.to_owned());
    }

    /// Returns the content of the file.
    pub(crate) fn saved(&self) -> Conversation {
        let (steps, answers) = (self.steps.clone(), self.answers.clone());
        Conversation { version: VERSION, steps, answers }
    }
}

impl Conversation {
    /// Reads a file; an error explains in one line why it cannot be used.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
        Self::parse(&text).with_context(|| format!("{shown} cannot be replayed"))
    }

    /// Parses a file's text.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let conversation: Self =
            serde_json::from_str(text).context("it is no conversation saved by henji dev")?;
        match conversation.version {
            VERSION => Ok(conversation),
            other => bail!("it has version {other}, and this henji reads version {VERSION}"),
        }
    }
}
