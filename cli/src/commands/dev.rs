//! `henji dev` runs the emulator of LINE with its chat page, the offline model if no real one is set, and between them
//! the real pipeline in a separate process, which talks to both over HTTP. It needs no account and no network.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use emulator::{
    feed::Feed,
    model::{Call, Model},
    server::{self, MODEL},
    simulation::{Conversation, Parts, Simulation, Step, replay},
};
use local::{
    descriptors,
    listeners::{
        connections::{self, CONNECTIONS_MAX},
        webhooks::WEBHOOK_PATH,
    },
    log_writer, private,
    serve::{self, DATABASE, DataDir, Settings},
    signals,
    sqlite::{Database, history},
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use shared::env::Env;
use worker::{
    adapters::{http, openai::Endpoint},
    clock::wall_clock,
};

use self::pipeline::Process;
use crate::dotenv::DOTENV;

pub mod child;
mod pipeline;

/// The published secret and token of `dev`. By default `henji send` signs with it.
pub const SECRET: &str = "henji-dev";
/// The time that the offline model thinks at the start, in milliseconds.
const THINK_MS: u64 = 1_200;
/// The people at the start: id, name and language.
const PEOPLE: [(&str, &str, &str); 2] =
    [("U00000000000000000000000000000001", "Aoi", "ja"), ("U00000000000000000000000000000002", "Ren", "en")];

/// The group of these people at the start: id and name. The bot is not in it yet.
const GROUP: (&str, &str) = ("C00000000000000000000000000000001", "Picnic 🧺");

/// Arguments of `henji dev`.
#[derive(clap::Args)]
pub struct Args {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// The directory of the queue and the history
    #[arg(long, default_value = ".henji-dev")]
    data: PathBuf,
    /// Replay a conversation file that was saved on the page
    #[arg(long)]
    replay: Option<PathBuf>,
}

/// Runs the command.
pub async fn command(args: Args, env: Env) -> anyhow::Result<()> {
    let log = log_writer::start(Some(env.optional("RUST_LOG")?.unwrap_or("warn")), None)?;
    let conversation = args.replay.as_deref().map(Conversation::read).transpose()?;
    let data = args.data;
    private::warn_if_writable_by_others(&[Path::new(DOTENV), &data, &data.join(DATABASE)]);
    // This reports a problem with the directory in one line. The pipeline process then takes the lock itself.
    drop(DataDir::open(&data)?);
    descriptors::raise();
    let listener = serve::bind(args.listen).await?;
    let listens = listener.local_addr()?;
    let mut own = listens;
    if own.ip().is_unspecified() {
        own.set_ip([127, 0, 0, 1].into());
    }
    let origin = format!("http://{own}");

    let stop = signals::stop()?;
    let upstream = upstream(&env)?;
    let is_offline = upstream.is_none();
    let env = environment(env, &origin);
    let settings = Settings::read(&env, &data)?;
    let (clock, client) = (wall_clock(), http::local_client()?);
    let database = Database::open(&data.join(DATABASE))?;
    let feed = Feed::new(clock.clone(), stop.clone(), secrets(&env)?);
    let pipeline = Process::new(feed.clone(), database.clone(), clock.clone());
    let model = match upstream {
        Some(endpoint) => before(endpoint)?,
        None => Model::offline(Duration::from_millis(THINK_MS)),
    };
    let simulation = Simulation::new(Parts {
        secret: settings.channel_secret,
        webhook: format!("{origin}{WEBHOOK_PATH}"),
        model,
        pipeline: pipeline.clone(),
        feed,
        http: client.clone(),
        clock,
    });
    let hello = json!({
        "offline": is_offline,
        "model": settings.worker.model.name,
        "webhook": format!("{origin}{WEBHOOK_PATH}"),
        "think_ms": if is_offline { THINK_MS } else { 0 },
    });
    simulation.feed.tell("hello", hello);

    let shown = if is_offline { "too (neither OPEN_AI_API_KEY nor OPENAI_BASE_URL is set)" } else { "real" };
    say(&format!(
        "henji dev: chat with the bot at {origin}/
  LINE is stood in for; the model is {shown}.
  From another terminal: cargo henji send --text こんにちは
  Ctrl-C stops it."
    ));
    tokio::spawn(simulation.clone().keep_looking());
    if let Some(conversation) = conversation {
        tokio::spawn(replay(conversation, simulation.clone()));
    } else {
        for (user, name, language) in PEOPLE {
            let join = Step::Join { user: user.into(), name: name.into(), language: language.into() };
            let _ = simulation.apply(join).await;
            let messages = history::count(&database, user).await?;
            if messages > 0 {
                simulation.feed.tell("past", json!({ "chat": user, "messages": messages }));
            }
        }
        let (chat, name) = (GROUP.0.to_owned(), GROUP.1.to_owned());
        let members = PEOPLE.map(|(user, ..)| user.to_owned()).to_vec();
        let _ = simulation.apply(Step::Group { chat, name, members }).await;
    }
    let variables = variables(&env)?;
    let router = server::router(&simulation, WEBHOOK_PATH, client, listens);
    let served = connections::serve(listener, router, CONNECTIONS_MAX, stop.clone());
    let terminal = log.writer();
    let running = tokio::spawn(async move {
        let _guard = stop.clone().drop_guard();
        pipeline.keep_running(&data, &variables, terminal, &stop).await
    });
    served.await;
    running.await.context("the pipeline's keeper panicked")?
}

/// Prints a text; ignores errors, because standard output may be closed.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Returns the endpoint of the real model, if the environment sets one.
fn upstream(env: &Env) -> anyhow::Result<Option<Endpoint>> {
    let is_real = env.optional("OPEN_AI_API_KEY")?.is_some() || env.optional("OPENAI_BASE_URL")?.is_some();
    Ok(is_real.then(|| Endpoint::from_env(env)).transpose()?)
}

/// Returns the environment with the emulator's addresses in place of any others: `dev` never talks to the real LINE,
/// and talks to the real model only through [`Model::before`].
fn environment(env: Env, origin: &str) -> Env {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let over = [
        pair("LINE_API_BASE_URL", origin.to_owned()),
        pair("LINE_DATA_API_BASE_URL", origin.to_owned()),
        pair("OPENAI_BASE_URL", format!("{origin}{MODEL}/v1")),
    ];
    let secrets = SECRETS.map(|name| pair(name, SECRET.to_owned()));
    Env::of(over).or(env).or(Env::of(secrets))
}

const SECRETS: [&str; 3] = ["LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "OPEN_AI_API_KEY"];

/// Returns the secrets in use, except the published one, escaped as in JSON.
fn secrets(env: &Env) -> anyhow::Result<Vec<String>> {
    let all = SECRETS.into_iter().map(|name| Ok(env.secret(name)?.expose_secret().to_owned()));
    let all = all.collect::<anyhow::Result<Vec<_>>>()?.into_iter().filter(|secret| secret != SECRET);
    Ok(all.map(|secret| json!(secret).to_string().trim_matches('"').to_owned()).collect())
}

/// Returns the variables that the pipeline's process gets in addition to its parent's environment and `.env`.
fn variables(env: &Env) -> anyhow::Result<Vec<(String, String)>> {
    let names = SECRETS.into_iter().chain([
        "LINE_API_BASE_URL",
        "LINE_DATA_API_BASE_URL",
        "OPENAI_BASE_URL",
        "GPT_MODEL",
    ]);
    let pairs = names.map(|name| Ok(env.optional(name)?.map(|value| (name.to_owned(), value.to_owned()))));
    pairs.filter_map(Result::transpose).collect()
}

/// Makes a model that passes each request on to a real server.
fn before(endpoint: Endpoint) -> anyhow::Result<Arc<Model>> {
    let http = http::client()?;
    let request = move |call: Call<'_>, key: &SecretString| match call {
        Call::Models => endpoint.models(&http, key),
        Call::Model(name) => endpoint.look_up(&http, key, name),
        Call::Completion => endpoint.completions(&http, key),
        Call::Transcription(model) => endpoint.transcriptions(&http, key, model),
    };
    Ok(Model::before(Box::new(request)))
}
