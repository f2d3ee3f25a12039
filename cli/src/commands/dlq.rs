//! `henji dlq`: what could not be answered, why, how far it got, and how to have it answered after all.
//!
//! [`local::dead_letter`] is what operators see; [`source`] says where the letters are (SQLite, or SQS by `sqs`);
//! [`list`], [`show`] and [`watch`] read; [`change`] carries out what [`redrive`], [`resolve`] and
//! [`purge`] are, and [`tally`] sums it up.

use std::{path::PathBuf, process::ExitCode};

use anyhow::bail;
use local::signals;
use shared::env::Env;
use worker::{clock::wall_clock, locale::Locale};

use self::{
    action::Action,
    audit::Audit,
    change::{Run, Which},
    filter::Filter,
    lines::Lines,
    resolve::Resolve,
    source::Source,
};
use crate::{
    clients::line_channel::Channel,
    deployment::{Place, Where},
};

pub mod action;
pub mod audit;
pub mod change;
pub mod done;
pub mod filter;
pub mod lines;
pub mod list;
pub mod purge;
pub mod redrive;
pub mod resolve;
pub mod show;
pub mod source;
#[cfg(feature = "aws")]
pub mod sqs;
pub mod tally;
pub mod watch;

/// Arguments of `henji dlq`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Global,
}

/// Where, and how, for each of the commands.
#[derive(clap::Args)]
struct Global {
    #[command(flatten)]
    place: Where,
    /// For scripts: JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with the dead letters.
#[derive(clap::Subcommand)]
enum Command {
    /// Show every event that was given up, and what a redrive would do
    List {
        #[command(flatten)]
        filter: Filter,
    },
    /// Show all that is known of one letter
    Show {
        /// Its id, as `list` shows it, or its event's
        id: String,
        /// Also what the user wrote
        #[arg(long)]
        reveal: bool,
    },
    /// Put letters back into the queue, with a new count of attempts
    ///
    /// An answer that is stored is only pushed, never asked for again; one that was delivered is not
    /// pushed again; what may have been delivered is left as it is. Of each conversation the oldest goes
    /// first. Stopped at any point, it can be run again: nothing is lost, and nothing is answered twice.
    Redrive {
        #[command(flatten)]
        which: Which,
        /// Push again what LINE may have delivered and no longer knows: users may get it twice
        #[arg(long)]
        resend: bool,
    },
    /// Tell users that there will be no answer, and remove their letters
    Resolve {
        #[command(flatten)]
        which: Which,
        /// What to say; without it the bot's own words, to those who were not told yet
        #[arg(long)]
        message: Option<String>,
    },
    /// Save letters to a file, and remove them
    Purge {
        #[command(flatten)]
        which: Which,
        /// The file they are saved in, as JSON lines; it holds what people wrote
        #[arg(long, default_value = "henji-purged.jsonl")]
        to: PathBuf,
    },
    /// Show each new letter, and the depth of the queue, as they come
    ///
    /// On SQS a look hides letters from others for moments. There it is taken when the queue's own count has
    /// moved, which may lag, and each twelfth time all the same (each minute, with --every 5): a letter that
    /// comes and goes in between is not shown.
    Watch(watch::Args),
}

/// The command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let Global { place, json } = args.place;
    let place = place.find(env).await?;
    // From here on Ctrl-C ends it between two steps.
    let (clock, stop) = (wall_clock(), signals::stop()?);
    let mut source = Source::open(&place, clock.clone())?;
    let now = clock();
    let (which, action) = match args.command {
        Command::List { filter } => {
            list::command(&mut source, &filter, json, now, &stop).await?;
            return Ok(ExitCode::SUCCESS);
        }
        Command::Show { id, reveal } => {
            return show::command(&mut source, &id, reveal, json, now, &stop).await;
        }
        Command::Watch(args) => return watch::command(&mut source, &args, json, &clock, &stop).await,
        Command::Redrive { which, resend } => (which, Action::Redrive { resend }),
        Command::Resolve { which, message } => {
            if message
                .as_ref()
                .is_some_and(|text| text.trim().is_empty() || text.encode_utf16().count() > 5_000)
            {
                bail!("--message: LINE takes from 1 to 5,000 characters");
            }
            let channel = Channel::new(env, place.required("LINE_CHANNEL_ACCESS_TOKEN", env).await?)?;
            let locale = env.parsed("LOCALE", Locale::Ja)?;
            (which, Action::Resolve(Box::new(Resolve { channel, message, locale, now })))
        }
        Command::Purge { which, to } => (which, Action::Purge(Lines::of_words(to))),
    };
    let audit = Audit::new(audit_of(&place), env, clock)?;
    Run::new(which, action, audit, now, stop).change(&mut source, json).await
}

/// Where the lines about changes go.
pub fn audit_of(place: &Place) -> PathBuf {
    const FILE: &str = "henji-audit.jsonl";
    match place {
        Place::Data(data) => data.join(FILE),
        #[cfg(feature = "aws")]
        Place::Aws(_) => FILE.into(),
    }
}
