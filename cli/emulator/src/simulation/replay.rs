//! The replay of a saved conversation.

use std::{
    collections::BTreeMap,
    io::Write,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    recording::{Conversation, Recorded},
    state::Simulation,
    step::Step,
};
use crate::lock::lock;

/// The longest time that a replayed step waits until the bot is idle.
const PATIENCE: Duration = Duration::from_mins(10);

/// Replays all steps, with new people of the same names whom the bot does not know yet, and reports whether the answers
/// are the same.
pub async fn replay(conversation: Conversation, simulation: Arc<Simulation>) {
    if simulation.is_replaying.swap(true, Relaxed) {
        return;
    }
    simulation.pipeline.is_up().await;
    let (steps, first) = (conversation.steps.len(), lock(&simulation.messages).len());
    let (mut people, mut same) = (BTreeMap::new(), true);
    for (done, Recorded { idle, after_ms, step }) in conversation.steps.into_iter().enumerate() {
        if idle {
            simulation.wait_idle(PATIENCE).await;
        } else {
            sleep(Duration::from_millis(after_ms).min(PATIENCE)).await;
        }
        simulation.feed.tell("replay", json!({ "done": done, "steps": steps }));
        if let Err(why) = simulation.apply(moved(step, &mut people, first)).await {
            say(&format!("Step {} of the conversation was left out: {why}.", done + 1));
            same = false;
        }
    }
    simulation.wait_idle(PATIENCE).await;
    let (mut got, mut expected) = (0, 0);
    same &= conversation.answers.keys().all(|known| people.contains_key(known));
    for (known, new) in &people {
        let recording = lock(&simulation.recording);
        let (now, then) = (recording.answers.get(new), conversation.answers.get(known));
        got += now.map_or(0, Vec::len);
        expected += then.map_or(0, Vec::len);
        same &= now == then;
    }
    let verdict = if same { "word for word the same" } else { "not the same" };
    say(&format!("Replayed {steps} steps: {got} messages from the bot, {expected} in the file, {verdict}."));
    let done = json!({ "done": steps, "steps": steps, "got": got, "expected": expected, "same": same });
    simulation.feed.tell("replay", done);
    simulation.is_replaying.store(false, Relaxed);
}

/// Prints a text; ignores errors, because standard output may be closed.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Returns the step with a new id for each person and group, and with messages counted from `first` on.
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
    // The letters of the saved conversation have other ids: without an id, the step redrives all current letters.
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
