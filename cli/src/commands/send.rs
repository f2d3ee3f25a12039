//! `henji send` signs a webhook as LINE does and posts it. With `henji dev` it also waits for the answer and prints it.

use std::{
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use emulator::{
    SENT,
    line::{phone, said},
};
use ingress::{signature, webhook};
use local::listeners::webhooks::WEBHOOK_PATH;
use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::{env::Env, job::Job};
use worker::{
    clock::wall_clock,
    turn::{apology::APOLOGY, deliver::retry_key},
};

use crate::{commands::dev, terminal::say};

/// Arguments of `henji send`.
#[derive(clap::Args)]
pub struct Args {
    /// Send this text as a message of one user
    #[arg(long, required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// Send this file: a webhook body, or an API Gateway event whose body is used
    #[arg(long)]
    file: Option<PathBuf>,
    /// The user who writes the text
    #[arg(long, default_value = "U00000000000000000000000000000001")]
    user: String,
    /// The address to post the webhook to
    #[arg(long, default_value_t = format!("http://127.0.0.1:3000{WEBHOOK_PATH}"))]
    url: String,
    /// The channel secret [default: `LINE_CHANNEL_SECRET`, else the one of `henji dev`]
    #[arg(long)]
    secret: Option<String>,
    /// The seconds to wait for the answer, which only `henji dev` reports
    #[arg(long, default_value_t = 200)]
    wait: u64,
}

const POST_TIMEOUT: Duration = Duration::from_secs(10);
const POLL_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs the command.
pub async fn command(args: Args, env: &Env) -> anyhow::Result<ExitCode> {
    let secret: SecretString = match &args.secret {
        Some(secret) => secret.as_str().into(),
        None => env.optional("LINE_CHANNEL_SECRET")?.unwrap_or(dev::SECRET).into(),
    };
    let body = match (&args.text, &args.file) {
        (Some(text), _) => webhook_of(text, &args.user).to_string().into_bytes(),
        (None, Some(file)) => {
            body_of(&std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?)?
        }
        (None, None) => bail!("--text or --file is needed"),
    };
    let client = worker::adapters::http::client()?;
    let started = Instant::now();
    let response = client
        .post(&args.url)
        .header("content-type", "application/json; charset=utf-8")
        .header(signature::HEADER, signature::sign(&secret, &body))
        .timeout(POST_TIMEOUT)
        .body(body.clone())
        .send()
        .await
        .with_context(|| format!("{} does not answer: is henji running there?", args.url))?;
    say(format_args!("{} in {} ms", response.status(), started.elapsed().as_millis()))?;
    if !response.status().is_success() {
        return Ok(ExitCode::FAILURE);
    }
    let Some(origin) = args.url.strip_suffix(WEBHOOK_PATH) else { return Ok(ExitCode::SUCCESS) };
    for verdict in webhook::parse(&body, None, 0).unwrap_or_default() {
        if let webhook::Verdict::Job(job) = verdict {
            let url = Url::parse_with_params(&format!("{origin}{SENT}"), [("ids", sent_as(&job))])?;
            print_answer(&client, &url, started + Duration::from_secs(args.wait)).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns the ids of everything that the bot may send as the answer: by a push, as the apology, or by the free reply.
fn sent_as(job: &Job) -> String {
    let keys = [retry_key(&job.event_id, 0), job.event_id.derive(APOLOGY)].map(|key| key.to_string());
    keys.into_iter().chain(job.reply_token.clone()).collect::<Vec<_>>().join(",")
}

/// Prints what the bot of `henji dev` has sent, or that it sends nothing; prints nothing if the server is not `henji
/// dev`.
async fn print_answer(client: &reqwest::Client, url: &Url, until: Instant) -> anyhow::Result<()> {
    while Instant::now() < until {
        let response = client.get(url.clone()).timeout(POLL_TIMEOUT).send().await?;
        if !response.status().is_success() {
            return Ok(());
        }
        let answer: Value = serde_json::from_slice(&response.bytes().await?)?;
        if let Some(texts) = answer["texts"].as_array() {
            if texts.is_empty() {
                say("the bot sends nothing")?;
            }
            return Ok(texts.iter().filter_map(Value::as_str).flat_map(str::lines).try_for_each(say)?);
        }
    }
    bail!("no answer in time")
}

/// Makes a webhook as LINE writes it, with one text message.
pub fn webhook_of(text: &str, user: &str) -> Value {
    let event = phone::message_event(said::text(text), user, (wall_clock())());
    json!({ "destination": phone::BOT, "events": [event] })
}

/// Returns the webhook's bytes from a file: the file itself, or the body of an API Gateway event.
fn body_of(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let Ok(Value::Object(event)) = serde_json::from_slice(file) else { return Ok(file.to_vec()) };
    let Some(body) = event.get("body").and_then(Value::as_str) else { return Ok(file.to_vec()) };
    if event.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        return STANDARD.decode(body).context("the event's body is not base64, as it says");
    }
    Ok(body.as_bytes().to_vec())
}
