//! `henji secrets put` asks for secrets without echo, or reads them as lines; checks them with their issuers; and
//! writes them.

use std::{
    io::{IsTerminal, Read},
    process::ExitCode,
};

use anyhow::{Context, bail};
use secrecy::{ExposeSecret, SecretString};
use shared::env::Env;
use tokio_util::sync::CancellationToken;

use super::verify::{NAMES, verify};
use crate::{
    deployment::{PlaceArgs, aws::Store},
    dotenv,
    terminal::{confirm, say},
};

/// Runs the command.
pub(super) async fn command(
    place: &PlaceArgs,
    names: &[String],
    yes: bool,
    env: &Env,
) -> anyhow::Result<ExitCode> {
    let Some(environment) = &place.env else {
        bail!("--env says for which deployment; `henji serve` reads its secrets from .env (.env.example)");
    };
    let store = Store::open(environment, env).await?;
    let names = NAMES.iter().filter(|name| names.is_empty() || names.iter().any(|n| n == *name));
    let is_terminal = std::io::stdin().is_terminal();
    let given = if is_terminal { Env::default() } else { read_all()? };
    let mut checked = vec![];
    for name in names {
        let value = if is_terminal {
            ask(name)?
        } else {
            given.optional(name)?.map(|_| given.secret(name)).transpose()?
        };
        let Some(value) = value else {
            say(format_args!("{name}: not given, left as it is"))?;
            continue;
        };
        let said = verify(name, &value, env).await.with_context(|| format!("{name} was not written"))?;
        say(format_args!("{name}: {said}"))?;
        checked.push((name, value));
    }
    if checked.is_empty() {
        say("Nothing to write.")?;
        return Ok(ExitCode::SUCCESS);
    }
    let written: Vec<_> = checked.iter().map(|(name, _)| format!("{}{name}", store.prefix)).collect();
    say(format_args!("To be written as SecureStrings: {}", written.join(", ")))?;
    if let Some(code) = confirm::stops("Write", yes, &CancellationToken::new()).await? {
        return Ok(code);
    }
    for (name, value) in &checked {
        store.put(name, value).await?;
        say(format_args!("{}{name}: written", store.prefix))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for one secret on the terminal, without echo; `None` if the input is empty.
fn ask(name: &str) -> anyhow::Result<Option<SecretString>> {
    let value = SecretString::from(rpassword::prompt_password(format!("{name} (empty: leave as it is): "))?);
    if value.expose_secret().trim().is_empty() {
        return Ok(None);
    }
    let named = Env::of([(name.to_owned(), value.expose_secret().to_owned())]);
    Ok(Some(named.secret(name)?))
}

fn read_all() -> anyhow::Result<Env> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("standard input is not text")?;
    dotenv::parse(&text).context("standard input")
}
