//! `henji dlq`: what could not be answered, why, and how to have it answered after all.
//!
//! It reads unless told to change, shows before it changes, and asks.

use std::{
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use worker::answer::wall_clock;

use crate::{
    serve::DATABASE,
    sqlite::{
        Database,
        letters::{Letter, Letters, Redriven},
    },
};

/// Wrong usage, as clap has it.
const USAGE: u8 = 2;

/// What to do with the dead letters.
#[derive(clap::Subcommand)]
pub enum Command {
    /// Show every event that was given up, and what a redrive would do
    List {
        /// The directory of `henji serve`, which may be running
        #[arg(long, default_value = "henji-data")]
        data: PathBuf,
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
    /// Put letters back into the queue, with a new count of attempts
    ///
    /// An answer that is stored is only pushed, never asked for again; one that was delivered is not
    /// pushed again.
    #[command(group = clap::ArgGroup::new("which").required(true).args(["ids", "all"]))]
    Redrive {
        /// The letters' ids, as `list` shows them
        ids: Vec<String>,
        /// All of them
        #[arg(long)]
        all: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// The directory of `henji serve`, which may be running
        #[arg(long, default_value = "henji-data")]
        data: PathBuf,
    },
}

/// The command.
pub async fn command(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::List { data, json } => {
            let letters = open(&data)?.list().await?;
            if json {
                writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&letters)?)?;
            } else {
                print(&letters)?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Redrive { ids, all, yes, data } => redrive(&open(&data)?, &ids, all, yes).await,
    }
}

fn open(data: &Path) -> anyhow::Result<Letters> {
    let path = data.join(DATABASE);
    if !path.is_file() {
        bail!("there is no {}: --data names the directory of `henji serve`", path.display());
    }
    let database = Database::open(&path).with_context(|| format!("{} cannot be used", path.display()))?;
    Ok(Letters::new(database, wall_clock()))
}

/// Prints the table; an error where the reader has gone.
fn print(letters: &[Letter]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if letters.is_empty() {
        return writeln!(out, "No dead letters.");
    }
    let width = letters.iter().map(|l| l.id.len()).max().unwrap_or(0);
    writeln!(
        out,
        "{:width$}  {:20}  {:17}  {:16}  {:8}  detail",
        "id", "failed at", "reason", "state", "attempts"
    )?;
    for l in letters {
        let (at, state) = (format!("{:.0}", l.failed_at), l.state.as_str());
        writeln!(
            out,
            "{:width$}  {at:20}  {:17}  {state:16}  {:8}  {}",
            l.id, l.reason, l.attempts, l.detail
        )?;
    }
    Ok(())
}

async fn redrive(letters: &Letters, ids: &[String], all: bool, yes: bool) -> anyhow::Result<ExitCode> {
    let listed = letters.list().await?;
    let chosen: Vec<Letter> = listed.into_iter().filter(|l| all || ids.contains(&l.id)).collect();
    for unknown in ids.iter().filter(|id| chosen.iter().all(|l| l.id != **id)) {
        eprintln!("henji: there is no letter {unknown}");
    }
    let missing = !all && chosen.len() < ids.len();
    if chosen.is_empty() {
        println!("Nothing to redrive.");
        return Ok(if missing { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    print(&chosen)?;
    if !yes {
        if !std::io::stdin().is_terminal() {
            eprintln!("henji: nothing was changed; --yes redrives without asking");
            return Ok(USAGE.into());
        }
        print!("Redrive {} letter(s)? [y/N] ", chosen.len());
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !answer.trim().eq_ignore_ascii_case("y") {
            println!("Nothing was changed.");
            return Ok(ExitCode::SUCCESS);
        }
    }
    let mut failed = usize::from(missing);
    let mut queued = 0;
    for letter in &chosen {
        match letters.redrive(&letter.id).await? {
            Redriven::Queued => queued += 1,
            Redriven::Unknown => eprintln!("henji: {} was gone before it could be redriven", letter.id),
            Redriven::Unreadable => {
                failed += 1;
                eprintln!("henji: {} is not a job that this henji can read", letter.id);
            }
        }
    }
    println!("{queued} redriven.");
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
