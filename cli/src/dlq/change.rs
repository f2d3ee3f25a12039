//! What redrive, resolve and purge have alike: they show what they will change, ask, change one letter
//! after the other in each conversation's order, leave a line for each, and end with a sum. Stopped at
//! any point they can be run again.

use std::{
    collections::{BTreeMap, HashSet},
    process::ExitCode,
    time::Duration,
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    action::{Action, Done},
    audit::Audit,
    letter::{Filter, Letter},
    list,
    source::Source,
};
use crate::{
    ask,
    terminal::{Progress, Unheard, note, say},
};

/// Which letters are meant, and how they are changed.
#[derive(clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true)
    .args(["ids", "all", "reason", "older_than", "conversation", "state"]))]
pub struct Which {
    /// The letters' ids, as `list` shows them; or their events'
    #[arg(conflicts_with = "all")]
    ids: Vec<String>,
    /// All letters that the filters leave
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    filter: Filter,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// How many letters are changed a second at most
    #[arg(long, default_value_t = 20.0, value_parser = rate)]
    rate: f64,
}

fn rate(text: &str) -> Result<f64, String> {
    // Slower, and what is held would be shown to others meanwhile.
    text.parse().ok().filter(|rate| (0.2..=1e6).contains(rate)).ok_or_else(|| "from 0.2 on".to_owned())
}

impl Which {
    fn takes(&self, letter: &Letter, now: Timestamp) -> bool {
        (self.ids.is_empty() || self.ids.iter().any(|id| letter.is(id))) && self.filter.takes(letter, now)
    }
}

/// Changes what is meant by `which`.
pub async fn change(
    source: &mut Source,
    which: &Which,
    action: &mut Action,
    audit: &mut Audit,
    now: Timestamp,
    stop: &CancellationToken,
) -> anyhow::Result<ExitCode> {
    let verb = action.verb();
    let mut seen = source.look(stop).await?;
    for unknown in which.ids.iter().filter(|id| !seen.letters.iter().any(|letter| letter.is(id))) {
        note(format_args!("henji: there is no letter {unknown}"));
    }
    let missing = which.ids.iter().any(|id| !seen.letters.iter().any(|letter| letter.is(id)));
    seen.letters.retain(|letter| which.takes(letter, now));
    if seen.letters.is_empty() || stop.is_cancelled() {
        say(format_args!("Nothing to {verb}."))?;
        list::say_unseen(&seen);
        return Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    list::table(&seen.letters, now).iter().try_for_each(say)?;
    list::say_unseen(&seen);
    let question = format!("{} {}", action.asks(), list::letters(seen.letters.len()));
    if let Some(code) = ask::stops(&question, which.yes, stop).await? {
        return Ok(code);
    }
    let mut run = Run {
        tally: Tally::default(),
        blocked: HashSet::new(),
        dealt: HashSet::new(),
        progress: Progress::default(),
    };
    let ran = run.all(source, which, action, audit, now, stop, seen.letters.len()).await;
    let shown_again = source.end().await;
    let left = source.total().await;
    run.progress.end();
    run.tally.print(action.past())?;
    ran?;
    shown_again?;
    let left = left?;
    if left > 0 {
        note(format_args!("The queue still counts {left}."));
    }
    let is_whole = run.tally.failed() == 0 && !missing && !stop.is_cancelled();
    if stop.is_cancelled() {
        note("henji: interrupted; run it again for the rest");
    }
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

struct Run {
    tally: Tally,
    /// Conversations in which a letter could not be changed: what comes after it must not overtake it.
    blocked: HashSet<String>,
    /// Events that were dealt with. A further letter of one failed again meanwhile, or is an old double: it
    /// is left to the next run, which knows what came of this one.
    dealt: HashSet<String>,
    progress: Progress,
}

impl Run {
    #[expect(clippy::too_many_arguments, reason = "all of them are what one loop is about")]
    async fn all(
        &mut self,
        source: &mut Source,
        which: &Which,
        action: &mut Action,
        audit: &mut Audit,
        now: Timestamp,
        stop: &CancellationToken,
        expected: usize,
    ) -> anyhow::Result<()> {
        let mut pace = tokio::time::interval(Duration::from_secs_f64(1.0 / which.rate));
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let letters = source.next().await?;
            if letters.is_empty() {
                return Ok(());
            }
            for letter in letters.iter().filter(|letter| which.takes(letter, now)) {
                if !self.dealt.insert(letter.event.clone()) {
                    continue;
                }
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return Ok(()),
                    _ = pace.tick() => {}
                }
                let done = self.one(source, action, letter).await;
                if let Done::Failed(why) = &done {
                    self.progress.end();
                    note(format_args!("henji: {}: {why}", letter.id));
                    self.blocked.insert(letter.conversation.clone());
                }
                audit.write(action, letter, &done)?;
                self.tally.count(&done);
                self.progress.show(self.tally.all(), expected);
            }
        }
    }

    async fn one(&mut self, source: &mut Source, action: &mut Action, letter: &Letter) -> Done {
        if self.blocked.contains(&letter.conversation) {
            return Done::Kept("an earlier letter of its conversation failed");
        }
        // It may have been listed long ago: what others did meanwhile counts.
        let done = match source.again(letter).await {
            Ok(Some(letter)) => action.act(source, &letter).await,
            Ok(None) => Ok(Done::Removed("it was gone before")),
            Err(error) => Err(error),
        };
        done.unwrap_or_else(|error| Done::Failed(format!("{error:#}")))
    }
}

/// What became of how many letters.
#[derive(Default)]
struct Tally(BTreeMap<(u8, String), usize>);

impl Tally {
    fn count(&mut self, done: &Done) {
        let key = match done {
            Done::Changed => (0, String::new()),
            Done::Removed(why) => (1, format!("removed: {why}")),
            Done::Kept(why) => (2, format!("kept: {why}")),
            Done::Failed(_) => (3, "failed".to_owned()),
        };
        *self.0.entry(key).or_default() += 1;
    }

    fn all(&self) -> usize {
        self.0.values().sum()
    }

    fn failed(&self) -> usize {
        self.0.iter().filter(|((rank, _), _)| *rank >= 2).map(|(_, count)| count).sum()
    }

    fn print(&self, past: &str) -> Result<(), Unheard> {
        let changed = self.0.get(&(0, String::new())).copied().unwrap_or(0);
        let mut parts = vec![format!("{changed} {past}")];
        parts.extend(
            self.0.iter().filter(|((rank, _), _)| *rank > 0).map(|((_, why), n)| format!("{n} {why}")),
        );
        say(format_args!("{}: {}.", list::letters(self.all()), parts.join(", ")))
    }
}
