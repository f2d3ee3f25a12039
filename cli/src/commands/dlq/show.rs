//! `henji dlq show ID` shows everything that is known about one letter; people's words only with `--reveal`.

use std::process::ExitCode;

use jiff::Timestamp;
use local::dead_letter::DeadLetter;
use serde_json::{Value, json};
use shared::job::JobKind;
use tokio_util::sync::CancellationToken;

use super::{filter::short, source::Source};
use crate::terminal::{note, say, say_json};

/// Runs the command.
pub async fn command(
    source: &mut Source,
    id: &str,
    reveal: bool,
    json: bool,
    now: Timestamp,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let seen = source.look(stop).await?;
    let Some(letter) = seen.letters.iter().find(|letter| letter.is(id)) else {
        note(format_args!("henji: there is no letter {id} (henji dlq list)"));
        super::list::say_unseen(&seen);
        return Ok(ExitCode::FAILURE);
    };
    let known = known(letter, source.told_at(letter).await?, reveal)?;
    if json {
        say_json(&known)?;
    } else {
        for (name, value) in known.as_object().into_iter().flatten() {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            say(format_args!("{name:12}  {value}"))?;
        }
        say(format_args!("{:12}  {}", "age", short(now.duration_since(letter.failed_at))))?;
        say(format_args!("{:12}  {}", "a redrive", letter.redrive_would()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the letter as JSON. Its `detail` is the chain of errors, with the request ids of LINE and the model.
fn known(letter: &DeadLetter, told_at: Option<Timestamp>, reveal: bool) -> anyhow::Result<Value> {
    let mut known = serde_json::to_value(letter)?;
    known["told_at"] = json!(told_at);
    match letter.job() {
        Ok(job) => {
            known["run"] = json!(job.run);
            let kind = serde_json::to_value(&job.kind)?["kind"].clone();
            known["kind"] = kind;
            if reveal && let JobKind::Question { text, .. } = &job.kind {
                known["text"] = json!(text);
            }
        }
        Err(error) => {
            known["job"] = json!(error.to_string());
            if reveal {
                known["text"] = json!(letter.body);
            }
        }
    }
    Ok(known)
}
