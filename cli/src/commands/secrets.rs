//! `henji secrets` checks the bot's three secrets with their issuers, and writes them to the place where the functions
//! read them. It never shows a value.

use std::process::ExitCode;

use shared::env::Env;

use crate::{deployment::PlaceArgs, terminal::report::Report};

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
    place: PlaceArgs,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Ask for secrets, check each with its issuer, and write them into the Parameter Store
    ///
    /// On a terminal, the command asks for each secret without echo. Otherwise it reads NAME=value lines from standard
    /// input. The functions read a secret again when its old value is refused, so a rotation needs no deployment.
    Put {
        /// The names of the secrets to write; all three if none is given
        #[arg(value_parser = NAMES)]
        names: Vec<String>,
        /// Do not ask before they are written
        #[arg(long)]
        yes: bool,
    },
    /// Check which secrets exist and are valid
    Check {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    match args.command {
        #[cfg(feature = "aws")]
        Command::Put { names, yes } => put::command(&args.place, &names, yes, env).await,
        #[cfg(not(feature = "aws"))]
        Command::Put { .. } => anyhow::bail!(crate::deployment::NO_AWS),
        Command::Check { json } => check(&args.place, json, env).await,
    }
}

async fn check(place: &PlaceArgs, json: bool, env: &Env) -> anyhow::Result<ExitCode> {
    let secrets = place.secrets(env).await?;
    let mut report = Report::new(json);
    for name in NAMES {
        let said = match secrets.secret(name, env).await {
            Ok(value) => verify(name, &value, env).await,
            Err(error) => Err(error),
        };
        report.judge(name, said, secrets.put());
    }
    report.end()
}
