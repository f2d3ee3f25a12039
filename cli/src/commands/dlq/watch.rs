//! `henji dlq watch` prints each new letter and each change of the queue's depth.

use std::{collections::HashSet, process::ExitCode, time::Duration};

use local::dead_letter::DeadLetter;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use worker::clock::Clock;

use super::{filter::Filter, source::Source};
use crate::terminal::say;

/// Arguments of `henji dlq watch`.
#[derive(clap::Args)]
pub struct Args {
    /// End with exit code 0 when the queue is empty
    #[arg(long)]
    until_empty: bool,
    /// End with exit code 1 at the first letter that comes after the start
    #[arg(long)]
    fail_on_letter: bool,
    /// The pause between two looks at the queue
    #[arg(long, default_value_t = 5.0, value_parser = seconds, value_name = "SECONDS")]
    every: f64,
    #[command(flatten)]
    filter: Filter,
}

fn seconds(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|s| (0.1..=3_600.0).contains(s)).ok_or_else(|| "from 0.1 to 3600".to_owned())
}

/// The rounds after which the letters on SQS are read in any case. Reading hides them for a moment, so they are read
/// only when the queue's own count changes, and each twelfth round: one letter may come while another goes.
const LOOK_EACH: u32 = 12;

/// Runs the command.
pub async fn command(
    source: &mut Source,
    args: &Args,
    json: bool,
    clock: &Clock,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let mut known = HashSet::new();
    let mut depth = None;
    let mut round = 0;
    while !stop.is_cancelled() {
        let total = source.total().await?;
        let moved = depth != Some(total);
        round += 1;
        if moved || source.reads_without_hiding() || round >= LOOK_EACH {
            let is_first = depth.is_none();
            round = 0;
            let seen = source.look(stop).await?;
            let now = clock();
            let mut is_new = false;
            for letter in seen.letters.iter().filter(|letter| args.filter.takes(letter, now)) {
                if !known.insert(letter.id.clone()) {
                    continue;
                }
                is_new = true;
                if json {
                    say(serde_json::to_string(letter)?)?;
                } else {
                    let (at, would) = (letter.failed_at, letter.redrive_would());
                    let DeadLetter { conversation, reason, id, .. } = letter;
                    say(format_args!("{at:.0}  {conversation}  {reason}  {would}  {id}"))?;
                }
            }
            if moved && json {
                say(serde_json::json!({ "at": now, "depth": total }))?;
            } else if moved {
                say(format_args!("{now:.0}  depth {total}"))?;
            }
            depth = Some(total);
            if args.fail_on_letter && is_new && !is_first {
                return Ok(ExitCode::FAILURE);
            }
        }
        if args.until_empty && total == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(Duration::from_secs_f64(args.every)) => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}
