//! `henji dlq purge` saves each letter, with the words of people, and then removes it.

use local::dead_letter::DeadLetter;
use serde_json::json;

use super::{done::Done, jsonl::JsonLines, source::Source};

/// Saves one letter to the file, and then removes it.
pub async fn one(saved: &mut JsonLines, source: &mut Source, letter: &DeadLetter) -> anyhow::Result<Done> {
    let mut line = serde_json::to_value(letter)?;
    line["body"] = json!(letter.body);
    saved.add(&line)?;
    Ok(if source.remove(letter).await? { Done::Changed } else { Done::Removed("it was gone before") })
}
