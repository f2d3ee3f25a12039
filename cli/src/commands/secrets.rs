//! `henji secrets`: the bot's three secrets, put where the functions read them and checked with their
//! owners first. No value is ever shown.

use std::process::ExitCode;

use shared::env::Env;

use crate::{deployment::Where, terminal::report::Findings};

#[cfg(feature = "aws")]
mod put;
mod verify;

pub use self::verify::{NAMES, verify};

/// Arguments of `henji secrets`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Where,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Ask for secrets, check each with its owner, and write them into the Parameter Store
    ///
    /// On a terminal each is asked for without echo. Otherwise they are read from standard input, as
    /// NAME=value lines. The functions read a secret again when its old value is refused, so that a
    /// rotation needs no deployment.
    Put {
        /// Which, of the three
        #[arg(value_parser = NAMES)]
        names: Vec<String>,
        /// Do not ask whether to write them
        #[arg(long)]
        yes: bool,
    },
    /// Say which secrets are there and valid
    Check {
        /// One JSON array
        #[arg(long)]
        json: bool,
    },
}

/// The command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    match args.command {
        #[cfg(feature = "aws")]
        Command::Put { names, yes } => put::command(&args.place, &names, yes, env).await,
        #[cfg(not(feature = "aws"))]
        Command::Put { .. } => anyhow::bail!(crate::deployment::NO_AWS),
        Command::Check { json } => check(&args.place, json, env).await,
    }
}

async fn check(place: &Where, json: bool, env: &Env) -> anyhow::Result<ExitCode> {
    let secrets = place.secrets(env).await?;
    let mut findings = Findings::new(json);
    for name in NAMES {
        let said = match secrets.secret(name, env).await {
            Ok(value) => verify(name, &value, env).await,
            Err(error) => Err(error),
        };
        findings.judge(name, said, secrets.put());
    }
    findings.end()
}
