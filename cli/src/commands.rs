//! The commands of `henji`. Each command has a file of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use clap::{CommandFactory, Parser, Subcommand};
use local::private;
use shared::{env::Env, version};

use crate::{
    dotenv,
    terminal::{note, say_bytes},
};

pub mod dev;
pub mod dlq;
pub mod doctor;
pub mod forget;
pub mod pause;
pub mod secrets;
pub mod send;
pub mod serve;
pub mod usage;
pub mod webhook;

/// The text for a person who types `henji` and nothing else.
const FIRST_STEPS: &str = "\
Henji is a LINE bot for slow models. It answers each question once, or tells why not.

  henji dev             try it on this machine: no account, no network
  henji secrets check   check the secrets of LINE and of the model in .env (copy .env.example)
  henji serve           run it on this machine, and make LINE post to it
  henji doctor          check all that it needs, and see how to fix it

`henji --help` lists all commands. To run it on AWS, read cdk/README.md.";

/// The LINE bot that always answers.
#[derive(Parser)]
#[command(name = "henji", version = version::DISPLAY_VERSION.as_str(), after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Try the bot on this machine: no account, no network
    Dev(dev::Args),
    /// Run the pipeline of `henji dev`, which starts this command as a process that it can kill
    #[command(hide = true)]
    DevStages {
        /// The directory of the queue and the history
        #[arg(long)]
        data: PathBuf,
    },
    /// Run the bot on this machine against the real LINE and OpenAI
    ///
    /// Reads the variables of .env.example from the environment or from ./.env.
    Serve(serve::Args),
    /// Show and handle the events that could not be answered (dead letters)
    ///
    /// list, show and watch only read. redrive, resolve and purge first show what they will change, then ask (scripts
    /// pass --yes), and write lines to henji-audit.jsonl for each change. The output always says what was really done.
    Dlq(dlq::Args),
    /// Check the bot's three secrets, and write them to the place where the bot reads them
    Secrets(secrets::Args),
    /// Set the webhook address at LINE, or run LINE's test of it
    Webhook(webhook::Args),
    /// Check everything that must be right for the bot to answer
    ///
    /// Prints one line for each check: ok, or the problem and the command that fixes it. The exit code is 1 if anything
    /// is broken.
    Doctor(doctor::Args),
    /// Delete the data that the bot keeps of a person
    ///
    /// Deletes the conversation, the chosen persona, undelivered answers and dead letters. It can be run again.
    Forget(forget::Args),
    /// Pause the bot in a person's chat for two hours, so that a person of the staff can answer there
    ///
    /// The bot answers nothing in this chat meanwhile. It tells nobody of the pause. Staff answer in LINE's own chat.
    Pause(pause::Args),
    /// End the pause of a person's chat, so that the bot answers again
    Resume(pause::Args),
    /// Show each user's use of the model, and about what it cost
    ///
    /// Shows the answers and tokens of each LINE user; in a group they count for the user who asked. If the fallback
    /// model answered, its part of the total has a line of its own, at the prices of the first model. The cost is an
    /// estimate by `PROMPT_USD_PER_MILLION`, `COMPLETION_USD_PER_MILLION`, `CACHED_USD_PER_MILLION` and
    /// `CACHE_WRITTEN_USD_PER_MILLION`; if none of them is set, by the known prices of the model's maker. Not counted:
    /// transcriptions of voice, and answers that were paid for but never stored. On AWS the command reads the whole
    /// table (a scan), which costs about 0.13 USD a gigabyte.
    Usage(usage::Args),
    /// Sign a webhook as LINE does, and post it
    Send(send::Args),
    /// Write a completion script for a shell to standard output
    ///
    /// For bash: henji completions bash > ~/.local/share/bash-completion/completions/henji
    Completions {
        /// The shell that the script is for
        shell: clap_complete::Shell,
    },
    /// Write a manual page for each command into a directory
    ///
    /// `man -l DIRECTORY/henji.1` then shows the page of `henji` itself.
    Man {
        /// The directory to write the pages into
        directory: PathBuf,
    },
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        let Some(command) = self.command else {
            FIRST_STEPS.lines().for_each(note);
            return Ok(ExitCode::from(2));
        };
        let env = command.environment()?;
        match command {
            Command::Dev(args) => dev::command(args, env).await?,
            Command::DevStages { data } => dev::child::command(&data, &env).await?,
            Command::Serve(args) => serve::command(args, &env).await?,
            Command::Dlq(args) => return dlq::command(args, &env).await,
            Command::Secrets(args) => return secrets::command(args, &env).await,
            Command::Webhook(args) => return webhook::command(args, &env).await,
            Command::Doctor(args) => return doctor::command(args, &env).await,
            Command::Forget(args) => return forget::command(args, &env).await,
            Command::Pause(args) => return pause::pause(args, &env).await,
            Command::Resume(args) => return pause::resume(args, &env).await,
            Command::Usage(args) => return usage::command(args, &env).await,
            Command::Send(args) => return send::command(args, &env).await,
            Command::Completions { shell } => {
                let mut script = vec![];
                clap_complete::generate(shell, &mut shown(), "henji", &mut script);
                say_bytes(&script)?;
            }
            Command::Man { directory } => {
                let written = fs::create_dir_all(&directory)
                    .and_then(|()| clap_mangen::generate_to(Self::command(), &directory));
                written.with_context(|| format!("{} cannot be written", directory.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Command {
    /// Returns the variables of the process and of `.env`. A command that only describes the commands reads no `.env`, which
    /// may be another program's.
    fn environment(&self) -> anyhow::Result<Env> {
        if matches!(self, Self::Completions { .. } | Self::Man { .. }) {
            return Ok(Env::default());
        }
        // A variable of the process goes before the same variable of the file.
        let file = Path::new(dotenv::DOTENV);
        let env = Env::of_process().or(dotenv::read(file)?);
        // `dev` and `serve` have a log: they write the warning there.
        if !matches!(self, Self::Dev(_) | Self::DevStages { .. } | Self::Serve(_))
            && let Some(warning) = private::writable_by_others(file)
        {
            note(format_args!("henji: {warning}"));
        }
        Ok(env)
    }
}

/// Returns the command line without its hidden commands, which a completion would offer.
fn shown() -> clap::Command {
    let all = Args::command();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    clap::Command::new("henji").version(version::DISPLAY_VERSION.as_str()).subcommands(shown)
}
