//! A conversation as a file: what was done, in which order and pace, and what the bot answered; so that a
//! bug seen is a test kept.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    step::Step,
    world::{World, lock},
};

/// The version of the file's form.
const VERSION: u32 = 1;
/// How long a replayed step waits for the bot to be done.
const PATIENCE: Duration = Duration::from_mins(10);

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Conversation {
    #[serde(rename = "henji_conversation")]
    version: u32,
    steps: Vec<Recorded>,
    /// What each user was told, in order.
    #[serde(default)]
    answers: Answers,
}

type Answers = BTreeMap<String, Vec<String>>;

#[derive(Clone, Serialize, Deserialize)]
struct Recorded {
    /// The bot had nothing to do when this was done, so a replay waits until it has not.
    #[serde(default)]
    idle: bool,
    /// How long after the step before.
    #[serde(default)]
    after_ms: u64,
    #[serde(flatten)]
    step: Step,
}

/// What was done so far.
#[derive(Default)]
pub(super) struct Recording {
    steps: Vec<Recorded>,
    last: Option<Instant>,
    answers: Answers,
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
    pub(super) fn saved(&self) -> Conversation {
        let (steps, answers) = (self.steps.clone(), self.answers.clone());
        Conversation { version: VERSION, steps, answers }
    }
}

impl Conversation {
    /// Reads a file, or says in one line what is wrong with it.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{shown} cannot be read"))?;
        Self::parse(&text).with_context(|| format!("{shown} cannot be replayed"))
    }

    /// Reads a file's text.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let conversation: Self =
            serde_json::from_str(text).context("it is no conversation saved by henji dev")?;
        match conversation.version {
            VERSION => Ok(conversation),
            other => bail!("it has version {other}, and this henji reads version {VERSION}"),
        }
    }

    /// Does it all again, with people of the same names whom the bot does not know yet, and tells how
    /// the answers compare.
    pub(super) async fn replay(self, world: Arc<World>) {
        if world.is_replaying.swap(true, Relaxed) {
            return;
        }
        world.stages.are_up().await;
        let (steps, first) = (self.steps.len(), lock(&world.messages).len());
        let (mut people, mut same) = (BTreeMap::new(), true);
        for (done, Recorded { idle, after_ms, step }) in self.steps.into_iter().enumerate() {
            if idle {
                world.rests(PATIENCE).await;
            } else {
                sleep(Duration::from_millis(after_ms).min(PATIENCE)).await;
            }
            world.feed.tell("replay", json!({ "done": done, "steps": steps }));
            if let Err(why) = world.does(moved(step, &mut people, first)).await {
                super::say(&format!("Step {} of the conversation was left out: {why}.", done + 1));
                same = false;
            }
        }
        world.rests(PATIENCE).await;
        let (mut got, mut expected) = (0, 0);
        same &= self.answers.keys().all(|known| people.contains_key(known));
        for (known, new) in &people {
            let recording = lock(&world.recording);
            let (now, then) = (recording.answers.get(new), self.answers.get(known));
            got += now.map_or(0, Vec::len);
            expected += then.map_or(0, Vec::len);
            same &= now == then;
        }
        let verdict = if same { "word for word the same" } else { "not the same" };
        super::say(&format!(
            "Replayed {steps} steps: {got} messages from the bot, {expected} in the file, {verdict}."
        ));
        let done = json!({ "done": steps, "steps": steps, "got": got, "expected": expected, "same": same });
        world.feed.tell("replay", done);
        world.is_replaying.store(false, Relaxed);
    }
}

/// The step, of somebody new in the place of each person and group, and of messages counted from here.
fn moved(step: Step, people: &mut BTreeMap<String, String>, first: usize) -> Step {
    let mut new_of = |id: &mut Value| {
        let Some(old) = id.as_str().filter(|old| old.is_char_boundary(1)) else { return };
        let new = || format!("{}{:032x}", &old[..1], fastrand::u128(..));
        *id = people.entry(old.to_owned()).or_insert_with(new).as_str().into();
    };
    let mut moved = json!(step);
    let Some(fields) = moved.as_object_mut() else { return step };
    fields.get_mut("user").map(&mut new_of);
    fields.get_mut("chat").map(&mut new_of);
    fields.get_mut("members").and_then(Value::as_array_mut).into_iter().flatten().for_each(new_of);
    // The letters of another time have other ids: those of now are meant.
    fields.remove("letter");
    let quoted = fields.get("quotes").and_then(|quotes| quotes["message"].as_u64());
    if let Some(n) = quoted {
        fields["quotes"]["message"] = n.saturating_add(first as u64).into();
    }
    if let Some(n) = fields.get("message").and_then(Value::as_u64) {
        fields["message"] = n.saturating_add(first as u64).into();
    }
    serde_json::from_value(moved).unwrap_or(step)
}
