//! `henji dlq` shows the events that could not be answered, with the reason and the state of each, and redrives,
//! resolves or purges them.
//!
//! [`local::dead_letter`] is the form in which operators see a letter. [`source`] reads the letters (from SQLite, or
//! from SQS by `sqs`). [`list`], [`show`] and [`watch`] only read. [`change`] applies [`redrive`], [`resolve`] or
//! [`purge`] to each letter, and [`summary`] counts the results.

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
    jsonl::JsonLines,
    resolve::Resolve,
    source::Source,
};
use crate::{
    clients::line_channel::Channel,
    deployment::{Place, PlaceArgs},
};

pub mod action;
pub mod audit;
pub mod change;
pub mod done;
pub mod filter;
pub mod jsonl;
pub mod list;
pub mod purge;
pub mod redrive;
pub mod resolve;
pub mod show;
pub mod source;
#[cfg(feature = "aws")]
pub mod sqs;
pub mod summary;
pub mod watch;

/// Arguments of `henji dlq`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Global,
}

/// The options of all commands: the place of the bot, and the form of the output.
#[derive(clap::Args)]
struct Global {
    #[command(flatten)]
    place: PlaceArgs,
    /// Print JSON, for scripts
    #[arg(long, global = true)]
    json: bool,
}

/// The commands on dead letters.
#[derive(clap::Subcommand)]
enum Command {
    /// List the events that were given up, and what a redrive would do with each
    List {
        #[command(flatten)]
        filter: Filter,
    },
    /// Show everything that is known about one letter
    Show {
        /// The id of the letter, as `list` shows it, or the id of its event
        id: String,
        /// Also show what the user wrote
        #[arg(long)]
        reveal: bool,
    },
    /// Put letters back into the queue, with a new count of attempts
    ///
    /// A stored answer is only pushed: the model is not asked again. A delivered answer is not pushed again. A letter
    /// whose answer may have been delivered is not changed. The oldest letter of each conversation goes first. The
    /// command can be stopped at any point and run again: nothing is lost, and nothing is answered twice.
    Redrive {
        #[command(flatten)]
        which: Which,
        /// Also push answers that LINE may have delivered and no longer remembers: users may get them twice
        #[arg(long)]
        resend: bool,
    },
    /// Notify users that there will be no answer, and remove their letters
    Resolve {
        #[command(flatten)]
        which: Which,
        /// The text to send; without it, the bot's apology goes to the users who have not got it yet
        #[arg(long)]
        message: Option<String>,
    },
    /// Save letters to a file, then remove them
    Purge {
        #[command(flatten)]
        which: Which,
        /// The file to save them in, as JSON lines; it contains what people wrote
        #[arg(long, default_value = "henji-purged.jsonl")]
        to: PathBuf,
    },
    /// Show new letters, and the depth of the queue, as they come
    ///
    /// On SQS, reading letters hides them from others for a short time. So the command reads them only when the queue's
    /// own count has changed, which may be late, and in any case each twelfth time (each minute, with --every 5). A
    /// letter that comes and goes in between is not shown.
    Watch(watch::Args),
}

/// Runs the command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let Global { place, json } = args.place;
    let place = place.find(env).await?;
    // From here on, Ctrl-C ends the command between two steps.
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
        Command::Purge { which, to } => (which, Action::Purge(JsonLines::of_words(to))),
    };
    let audit = Audit::new(audit_of(&place), env, clock)?;
    Run::new(which, action, audit, now, stop).change(&mut source, json).await
}

/// Returns the path of the file for the lines about changes.
pub fn audit_of(place: &Place) -> PathBuf {
    const FILE: &str = "henji-audit.jsonl";
    match place {
        Place::Data(data) => data.join(FILE),
        #[cfg(feature = "aws")]
        Place::Aws(_) => FILE.into(),
    }
}
