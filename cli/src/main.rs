//! The command line: arguments to functions, errors to exit codes.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};
use cli::{dev, dlq, send, serve};
use shared::env::Env;

/// The LINE bot that always answers.
#[derive(Parser)]
#[command(name = "henji", version, after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage.")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Try the bot on this machine: no account, no network
    Dev {
        /// The address to listen on
        #[arg(long, default_value = "127.0.0.1:3000")]
        listen: SocketAddr,
        /// The directory of the queue and the history
        #[arg(long, default_value = ".henji-dev")]
        data: PathBuf,
    },
    /// Run the bot on this machine against the real LINE and OpenAI
    ///
    /// Reads the variables of .env.example from the environment or from ./.env.
    Serve {
        /// The address to listen on
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: SocketAddr,
        /// The directory of the queue and the history
        #[arg(long, default_value = "henji-data")]
        data: PathBuf,
    },
    /// See and mend what could not be answered
    #[command(subcommand)]
    Dlq(dlq::Command),
    /// Sign a webhook as LINE does and post it
    Send(send::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match run(args.command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("henji: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let env = environment()?;
    match command {
        Command::Dev { listen, data } => dev::command(listen, &data, env).await?,
        Command::Serve { listen, data } => serve::command(listen, &data, &env).await?,
        Command::Dlq(command) => return dlq::command(command).await,
        Command::Send(args) => return send::command(args, &env).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// The process's environment, and `./.env` for what it leaves unset.
fn environment() -> anyhow::Result<Env> {
    let file = match dotenvy::from_filename_iter(".env") {
        Ok(pairs) => {
            let pairs: Result<Vec<_>, _> = pairs.collect();
            // dotenvy's own message would show the line, and with it a secret.
            Env::of(pairs.map_err(|_| anyhow::anyhow!(".env cannot be read: each line must be NAME=value"))?)
        }
        Err(error) if error.not_found() => Env::default(),
        Err(_) => anyhow::bail!(".env is there and cannot be read"),
    };
    Ok(Env::of_process().or(file))
}
