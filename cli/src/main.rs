//! The command line: arguments to functions, errors to exit codes.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use cli::{
    commands::{dev, dlq, doctor, forget, secrets, send, serve, usage, webhook},
    dotenv,
    terminal::{Unheard, note, note_at_the_end},
};
use local::private;
use shared::{env::Env, version};

/// The LINE bot that always answers.
#[derive(Parser)]
#[command(name = "henji", version = version::SHOWN.as_str(), after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try the bot on this machine: no account, no network
    Dev(dev::Args),
    /// The pipeline of `henji dev`, which starts it as a process that it can kill
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
    /// See and mend what could not be answered
    ///
    /// It never lies about what it did; it reads unless told to change; it shows before it changes, asks
    /// (--yes for scripts), and leaves lines in henji-audit.jsonl for each change.
    Dlq(dlq::Args),
    /// Put the bot's three secrets where it reads them, each checked first; or check those that are there
    Secrets(secrets::Args),
    /// Tell LINE where the bot is, or have LINE test it
    Webhook(webhook::Args),
    /// Check everything that must be right for the bot to answer
    ///
    /// A line each: ok, or what is wrong and the command that mends it. Exit code 1 where anything is broken.
    Doctor(doctor::Args),
    /// Delete what the bot knows of a person
    ///
    /// The conversation, what was chosen, undelivered answers and dead letters. It can be run again.
    Forget(forget::Args),
    /// Who used up how much of the model, and about what that cost
    ///
    /// Answers and tokens of each LINE user, in groups of who asked. The cost is an estimate by `PROMPT_USD_PER_MILLION`,
    /// `COMPLETION_USD_PER_MILLION` and `CACHED_USD_PER_MILLION`. Not counted: transcriptions of voice, and answers that
    /// were paid for and never stored. On AWS the whole table is read (a scan), which costs about 0.13 USD a gigabyte.
    Usage(usage::Args),
    /// Sign a webhook as LINE does and post it
    Send(send::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(args.command).await {
        Ok(code) => code,
        Err(error) if error.downcast_ref().is_some_and(Unheard::is_reader_gone) => ExitCode::FAILURE,
        Err(error) => {
            note_at_the_end(format!("henji: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    // The file never overrides the process.
    let file = Path::new(dotenv::DOTENV);
    let env = Env::of_process().or(dotenv::read(file)?);
    // Those that have a log say it there.
    if !matches!(command, Command::Dev(_) | Command::DevStages { .. } | Command::Serve(_))
        && let Some(warning) = private::writable_by_others(file)
    {
        note(format_args!("henji: {warning}"));
    }
    match command {
        Command::Dev(args) => dev::command(args, env).await?,
        Command::DevStages { data } => dev::child::command(&data, &env).await?,
        Command::Serve(args) => serve::command(args, &env).await?,
        Command::Dlq(args) => return dlq::command(args, &env).await,
        Command::Secrets(args) => return secrets::command(args, &env).await,
        Command::Webhook(args) => return webhook::command(args, &env).await,
        Command::Doctor(args) => return doctor::command(args, &env).await,
        Command::Forget(args) => return forget::command(args, &env).await,
        Command::Usage(args) => return usage::command(args, &env).await,
        Command::Send(args) => return send::command(args, &env).await,
    }
    Ok(ExitCode::SUCCESS)
}
