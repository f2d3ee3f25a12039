//! The part that redrive, resolve and purge share: they show what they will change, ask, change the letters one by
//! one in each conversation's order, write audit lines for each, and end with a count. They can be stopped at any
//! point and run again.

use std::{collections::HashSet, process::ExitCode, time::Duration};

use jiff::Timestamp;
use local::dead_letter::DeadLetter;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    action::Action, audit::Audit, done::Done, filter::Filter, list, source::Source, summary::Summary,
};
use crate::terminal::{Progress, confirm, note, say, say_json};

/// The arguments that select letters, and how to change them.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true)
    .args(["ids", "all", "reason", "older_than", "conversation", "state"]))]
pub struct Which {
    /// The ids of the letters, as `list` shows them, or the ids of their events
    #[arg(conflicts_with = "all")]
    ids: Vec<String>,
    /// Select all letters that match the filters
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    /// Do not ask before the change
    #[arg(long)]
    yes: bool,
    /// The most letters to change in a second
    #[arg(long, default_value_t = 20.0, value_parser = rate)]
    rate: f64,
}

fn rate(text: &str) -> Result<f64, String> {
    // At a slower rate, SQS would show the held letters to others before they are changed.
    text.parse().ok().filter(|rate| (0.2..=1e6).contains(rate)).ok_or_else(|| "from 0.2 on".to_owned())
}

impl Which {
    fn takes(&self, letter: &DeadLetter, now: Timestamp) -> bool {
        (self.ids.is_empty() || self.ids.iter().any(|id| letter.is(id))) && self.filter.takes(letter, now)
    }
}

/// One change of many letters.
pub struct Run {
    which: Which,
    action: Action,
    audit: Audit,
    /// The time when the command began. Filters measure ages from it.
    now: Timestamp,
    stop: CancellationToken,
    summary: Summary,
    /// The conversations in which a letter could not be changed: later letters must not overtake it.
    blocked: HashSet<String>,
    /// The events that were handled. Another letter of such an event is a new failure since then, or an old duplicate:
    /// it is left to the next run of the command, which sees the result of this one.
    dealt: HashSet<String>,
    progress: Progress,
}

impl Run {
    /// Makes a run that has changed nothing yet.
    pub fn new(which: Which, action: Action, audit: Audit, now: Timestamp, stop: CancellationToken) -> Self {
        let (blocked, dealt) = (HashSet::new(), HashSet::new());
        let (summary, progress) = (Summary::default(), Progress::default());
        Self { which, action, audit, now, stop, summary, blocked, dealt, progress }
    }

    /// Shows the letters, asks, changes them, and prints the count of results, with `json` as JSON.
    pub async fn change(mut self, source: &mut Source, json: bool) -> anyhow::Result<ExitCode> {
        let mut seen = source.look(&self.stop).await?;
        let is_there = |id: &&String| seen.letters.iter().any(|letter| letter.is(id));
        let missing: Vec<_> = self.which.ids.iter().filter(|id| !is_there(id)).collect();
        for unknown in &missing {
            note(format_args!("henji: there is no letter {unknown}"));
        }
        let missing = !missing.is_empty();
        seen.letters.retain(|letter| self.which.takes(letter, self.now));
        let expected = if self.stop.is_cancelled() { 0 } else { seen.letters.len() };
        if expected == 0 {
            list::say_unseen(&seen);
            if json {
                say_json(&self.summary.json(self.action.past(), seen.total))?;
            } else {
                say(format_args!("Nothing to {}.", self.action.verb()))?;
            }
            return Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS });
        }
        for line in list::table(&seen.letters, self.now) {
            if json { note(line) } else { say(line)? }
        }
        list::say_unseen(&seen);
        let question = format!("{} {}", self.action.asks(), list::letters(expected));
        if let Some(code) = confirm::stops(&question, self.which.yes, &self.stop).await? {
            return Ok(code);
        }
        self.audit.ready()?;
        self.action.ready()?;
        let ran = self.all(source, expected).await;
        self.progress.end();
        let held = source.held();
        let shown_again = source.end().await;
        let left = source.total().await;
        if json {
            say_json(&self.summary.json(self.action.past(), *left.as_ref().unwrap_or(&0)))?;
        } else {
            say(self.summary.sentence(self.action.past()))?;
        }
        ran?;
        shown_again?;
        say_left(left?, held);
        if self.stop.is_cancelled() {
            note("henji: interrupted; run it again for the rest");
        }
        let is_all_done = self.summary.is_all_done() && !missing && !self.stop.is_cancelled();
        Ok(if is_all_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn all(&mut self, source: &mut Source, expected: usize) -> anyhow::Result<()> {
        let mut pace = interval(Duration::from_secs_f64(1.0 / self.which.rate));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let letters = source.next().await?;
            if letters.is_empty() {
                return Ok(());
            }
            for letter in &letters {
                if !self.which.takes(letter, self.now) || !self.dealt.insert(letter.event.clone()) {
                    continue;
                }
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return Ok(()),
                    _ = pace.tick() => {}
                }
                let done = self.one(source, letter).await?;
                // It is counted before anything else can fail, because the change has happened.
                self.summary.count(&done);
                self.progress.show(self.summary.all(), expected);
                if let Done::Failed(why) = &done {
                    self.progress.end();
                    note(format_args!("henji: {}: {why}", letter.id));
                    self.blocked.insert(letter.conversation.clone());
                }
                self.audit.ended(&self.action, letter, &done)?;
            }
        }
    }

    /// Changes one letter; an error if the audit line could not be written before.
    async fn one(&mut self, source: &mut Source, letter: &DeadLetter) -> anyhow::Result<Done> {
        if self.blocked.contains(&letter.conversation) {
            return Ok(Done::Kept("an earlier letter of its conversation failed"));
        }
        // The letter may have been listed long ago: it is read again, as others may have changed it since.
        let done = match source.again(letter).await {
            Ok(Some(letter)) => {
                self.audit.begun(&self.action, &letter)?;
                self.action.act(source, &letter).await
            }
            Ok(None) => Ok(Done::Removed("it was gone before")),
            Err(error) => Err(error),
        };
        Ok(done.unwrap_or_else(|error| Done::Failed(format!("{error:#}"))))
    }
}

/// Prints the queue's count after the run, and how many of these messages the run could not see: it held `held`.
fn say_left(left: u64, held: Option<u64>) {
    match left.saturating_sub(held.unwrap_or(left)) {
        _ if left == 0 => {}
        0 => note(format_args!("The queue still counts {left}.")),
        unseen => note(format_args!(
            "The queue still counts {left}, and this run could not see {unseen} of them, if the count, which SQS \
             calls approximate, is right: henji dlq list shows whether there is more to do."
        )),
    }
}
