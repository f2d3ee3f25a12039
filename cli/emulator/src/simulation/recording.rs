//! A conversation as a file: what was done, in which order and pace, and what the bot answered; so that a
//! bug seen is a test kept.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::step::Step;

/// The version of the file's form.
const VERSION: u32 = 1;

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conversation {
    #[serde(rename = "henji_conversation")]
    version: u32,
    pub(super) steps: Vec<Recorded>,
    /// What each user was told, in order.
    #[serde(default)]
    pub(super) answers: Answers,
}

type Answers = BTreeMap<String, Vec<String>>;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Recorded {
    /// The bot had nothing to do when this was done, so a replay waits until it has not.
    #[serde(default)]
    pub(super) idle: bool,
    /// How long after the step before.
    #[serde(default)]
    pub(super) after_ms: u64,
    #[serde(flatten)]
    pub(super) step: Step,
}

/// What was done so far.
#[derive(Default)]
pub(crate) struct Recording {
    steps: Vec<Recorded>,
    last: Option<Instant>,
    pub(super) answers: Answers,
}

impl Recording {
    /// Notes a step.
    pub(super) fn note(&mut self, step: Step, idle: bool) {
        let after = self.last.replace(Instant::now()).map_or(Duration::ZERO, |last| last.elapsed());
        let after_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.steps.push(Recorded { idle, after_ms, step });
    }

    /// Notes what a phone showed.
    pub(super) fn hears(&mut self, user: &str, text: &str) {
        self.answers.entry(user.to_owned()).or_default().push(text.to_owned());
    }

    /// As a file.
    pub(crate) fn saved(&self) -> Conversation {
        let (steps, answers) = (self.steps.clone(), self.answers.clone());
        Conversation { version: VERSION, steps, answers }
    }
}

impl Conversation {
    /// Reads a file, or says in one line what is wrong with it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
        Self::parse(&text).with_context(|| format!("{shown} cannot be replayed"))
    }

    /// Reads a file's text.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let conversation: Self =
            serde_json::from_str(text).context("it is no conversation saved by henji dev")?;
        match conversation.version {
            VERSION => Ok(conversation),
            other => bail!("it has version {other}, and this henji reads version {VERSION}"),
        }
    }
}
