//! `henji secrets` checks the bot's three secrets with their issuers, and writes them to the place where the functions
//! read them. It never shows a value.

use std::process::ExitCode;

use anyhow::anyhow;
use secrecy::SecretString;
use shared::env::Env;
use worker::clock::wall_clock;

use crate::{clients::model_server::ModelServer, deployment::PlaceArgs, terminal::report::Report};

pub mod model_end;
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
        let secret = secrets.secret(name, env).await;
        let said = match &secret {
            Ok(value) => verify(name, value, env).await,
            Err(error) => Err(anyhow!("{error:#}")),
        };
        let is_taken = said.is_ok();
        report.judge(name, said, secrets.put());
        if let (true, "OPEN_AI_API_KEY", Ok(key)) = (is_taken, name, secret) {
            let model = secrets.model(env).await;
            end_of_model(&mut report, &model, key, env).await;
        }
    }
    report.end()
}

/// Warns of the model's end. `henji doctor` reports all else about the model.
async fn end_of_model(report: &mut Report, name: &str, key: SecretString, env: &Env) {
    let Ok(server) = ModelServer::new(env, key) else { return };
    let Ok((_, end)) = server.knows(name).await else { return };
    model_end::warn(report, name, end, (wall_clock())(), "set GPT_MODEL to a newer model");
}
