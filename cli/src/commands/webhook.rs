//! `henji webhook` sets the bot's webhook address at LINE, and runs LINE's test of it.

use std::process::ExitCode;

use anyhow::{Context, bail};
use local::listeners::webhooks::WEBHOOK_PATH;
use shared::env::Env;
use tokio_util::sync::CancellationToken;

use crate::{
    clients::line_channel::Channel,
    deployment::{Place, PlaceArgs},
    terminal::{confirm, say},
};

/// Arguments of `henji webhook`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Set the address for LINE's webhooks: the deployment's, or the given one
    Set {
        /// The address, for a bot on one machine: `https://…/v1/line/bot/message/reply`
        url: Option<String>,
        /// Do not ask before the change
        #[arg(long)]
        yes: bool,
    },
    /// Run LINE's own test of the webhook
    Test,
}

/// Runs the command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let place = args.place.find(env).await?;
    let channel = Channel::new(env, place.required("LINE_CHANNEL_ACCESS_TOKEN", env).await?)?;
    match args.command {
        Command::Set { url, yes } => set(&channel, &place, url, yes).await,
        Command::Test => {
            let (passed, says) = test(&channel, &place).await?;
            say(says)?;
            Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

/// Returns the address that the deployment wrote into its parameters.
pub fn address(place: &Place) -> Option<String> {
    match place {
        Place::Data(_) => None,
        #[cfg(feature = "aws")]
        Place::Aws(deployment) => deployment.plain.get("WEBHOOK_URL").cloned(),
    }
}

async fn set(channel: &Channel, place: &Place, url: Option<String>, yes: bool) -> anyhow::Result<ExitCode> {
    let url = url.or_else(|| address(place));
    let url = url.with_context(|| format!("which address? henji webhook set https://…{WEBHOOK_PATH}"))?;
    if !url.starts_with("https://") {
        bail!("LINE takes https:// addresses only, not {url}");
    }
    let now = current(channel).await?.map_or("none".to_owned(), |(endpoint, _)| endpoint);
    say(format_args!("now:  {now}"))?;
    say(format_args!("then: {url}"))?;
    if now == url {
        say("It is so already.")?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(code) = confirm::stops("Set", yes, &CancellationToken::new()).await? {
        return Ok(code);
    }
    channel.set_webhook(&url).await?;
    say(format_args!("Set; LINE may take a minute to follow. Then: henji webhook test{}", place.option()))?;
    if current(channel).await?.is_some_and(|(_, is_active)| !is_active) {
        say(
            "\"Use webhook\" is off: turn it on in the console's Messaging API tab, \"Webhook redelivery\" too.",
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the address to which LINE posts webhooks, and whether it posts them; none if no address was ever set.
pub async fn current(channel: &Channel) -> anyhow::Result<Option<(String, bool)>> {
    let answer = channel.webhook().await?;
    if answer.status.as_u16() == 404 {
        return Ok(None);
    }
    let body = answer.done()?;
    let is_active = body["active"].as_bool().unwrap_or(false);
    Ok(body["endpoint"].as_str().map(|endpoint| (endpoint.to_owned(), is_active)))
}

/// Runs LINE's own test, and returns whether it passed, and its result in words.
pub async fn test(channel: &Channel, place: &Place) -> anyhow::Result<(bool, String)> {
    let body = channel.test_webhook().await?.done()?;
    let word = |name: &str| body[name].as_str().unwrap_or("?").to_owned();
    let status = body["statusCode"].as_u64().unwrap_or(0);
    let hint = match status {
        401 => format!("; LINE_CHANNEL_SECRET is not the channel's: {}", place.put()),
        _ => String::new(),
    };
    let passed = body["success"] == true;
    Ok((passed, format!("LINE's test: {}, status {status}, {}{hint}", word("reason"), word("detail"))))
}
