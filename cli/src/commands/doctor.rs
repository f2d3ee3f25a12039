//! `henji doctor` checks everything that must be right for the bot to answer, and prints one line for each check. A
//! problem comes with the command that fixes it. The command changes nothing.

use std::process::ExitCode;

use reqwest::Url;
use shared::env::Env;
use worker::clock::wall_clock;

use crate::{
    deployment::{Place, PlaceArgs},
    terminal::report::Report,
};

#[cfg(feature = "aws")]
mod aws;
mod bot;
mod line;
mod model;
mod month;
mod serve;
mod webhook_test;

/// Arguments of `henji doctor`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: PlaceArgs,
    /// The address of /healthz, which `henji serve` sets by `--admin`
    #[arg(long, default_value = "http://127.0.0.1:9090")]
    url: Url,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let mut report = Report::new(args.json);
    match args.place.find(env).await {
        Ok(place) => {
            match &place {
                Place::Data(data) => serve::check(&mut report, data, &args.url).await,
                #[cfg(feature = "aws")]
                Place::Aws(deployment) => aws::check(&mut report, deployment).await,
            }
            bot::check(&mut report, &place, env, (wall_clock())()).await;
        }
        Err(error) => {
            let name = args.place.env.as_deref().unwrap_or("dev");
            let fix = format!("is it the right --env, account and region? cdk/deploy {name} deploys it");
            report.failed("stack", &error, fix);
        }
    }
    report.end()
}
