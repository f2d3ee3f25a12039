//! `henji dev`: LINE on one's desk. A stand-in LINE platform with a chat page, a stand-in model unless
//! there is a real one, and between them the product's own pipeline as a process of its own, which
//! talks to both over HTTP. No account, no network.

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use axum::{Router, middleware::from_fn_with_state};
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::json;
use shared::env::Env;
use worker::{
    adapters::openai::Endpoint,
    answer::{Clock, wall_clock},
};

use self::{
    conversation::{Conversation, Recording},
    feed::Feed,
    guard::Guard,
    stages::Stages,
    step::Step,
    tell::{tell_arrival, tell_delivery},
    world::{World, lock},
};
use crate::{
    descriptors,
    dotenv::DOTENV,
    http::{self, CONNECTIONS_MAX, WEBHOOK_PATH},
    log_writer, private,
    serve::{self, DATABASE, DataDir, Settings},
    signals,
    sqlite::{Database, history, letters::Letters, queue::SqliteQueue},
    standin::{
        line::{Arrival, Line, webhook::Webhooks},
        model::Model,
    },
};

pub mod alone;
mod conversation;
mod fault;
mod feed;
mod groups;
mod guard;
mod language;
mod messages;
mod overhear;
mod page;
pub mod stages;
mod step;
mod tap;
mod tell;
mod watch;
mod webhook;
mod world;

/// The published secret and token of `dev`, which `henji send` signs with by default.
pub const SECRET: &str = "henji-dev";
/// Where the model is, beside LINE's paths.
const MODEL: &str = "/standin/model";
/// How long the stand-in model thinks at first.
const THINK_MS: u64 = 1_200;
/// After which pauses LINE delivers again what was not taken: short enough to be watched.
const AGAIN_SECONDS: [u64; 4] = [1, 3, 10, 30];
/// Who is there at first.
const PEOPLE: [(&str, &str, &str); 2] =
    [("U00000000000000000000000000000001", "Aoi", "ja"), ("U00000000000000000000000000000002", "Ren", "en")];

/// The group that they have; the bot is not in it yet.
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
    /// Do again what a conversation saved on the page did
    #[arg(long)]
    replay: Option<PathBuf>,
}

/// The command.
pub async fn command(args: Args, env: Env) -> anyhow::Result<()> {
    let log = log_writer::start(Some(env.optional("RUST_LOG")?.unwrap_or("warn")), None)?;
    let conversation = args.replay.as_deref().map(Conversation::read).transpose()?;
    let data = args.data;
    private::warn_if_writable_by_others(&[Path::new(DOTENV), &data, &data.join(DATABASE)]);
    // Whatever is wrong with it is said here, in one line; the pipeline then takes the lock itself.
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
    let settings = Settings::from_env(&env)?;
    let (clock, client) = (wall_clock(), worker::adapters::http::local_client()?);
    let database = Database::open(&data.join(DATABASE))?;
    let feed = Feed::new(clock.clone(), stop.clone(), secrets(&env)?);
    let world = world(&settings, database.clone(), &origin, upstream, &client, clock, feed)?;
    let hello = json!({
        "offline": is_offline,
        "model": settings.worker.model,
        "webhook": format!("{origin}{WEBHOOK_PATH}"),
        "think_ms": if is_offline { THINK_MS } else { 0 },
    });
    world.feed.tell("hello", hello);

    let model = if is_offline { "too (neither OPEN_AI_API_KEY nor OPENAI_BASE_URL is set)" } else { "real" };
    say(&format!(
        "henji dev: chat with the bot at {origin}/
  LINE is stood in for; the model is {model}.
  From another terminal: cargo henji send --text こんにちは
  Ctrl-C stops it."
    ));
    tokio::spawn(world.clone().keeps_looking());
    if let Some(conversation) = conversation {
        tokio::spawn(conversation.replay(world.clone()));
    } else {
        for (user, name, language) in PEOPLE {
            let join = Step::Join { user: user.into(), name: name.into(), language: language.into() };
            let _ = world.does(join).await;
            let messages = history::count(&database, user).await?;
            if messages > 0 {
                world.feed.tell("past", json!({ "chat": user, "messages": messages }));
            }
        }
        let (chat, name) = (GROUP.0.to_owned(), GROUP.1.to_owned());
        let members = PEOPLE.map(|(user, ..)| user.to_owned()).to_vec();
        let _ = world.does(Step::Group { chat, name, members }).await;
    }
    let variables = variables(&env)?;
    let served = http::serve(listener, router(&world, client, listens), CONNECTIONS_MAX, stop.clone());
    let terminal = log.writer();
    let running = tokio::spawn(async move {
        let _guard = stop.clone().drop_guard();
        world.stages.keep_running(&data, &variables, terminal, &stop).await
    });
    served.await;
    running.await.context("the pipeline's keeper panicked")?
}

/// Prints; nobody has to read it.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Where the real model is, if there is one.
fn upstream(env: &Env) -> anyhow::Result<Option<Endpoint>> {
    let is_real = env.optional("OPEN_AI_API_KEY")?.is_some() || env.optional("OPENAI_BASE_URL")?.is_some();
    Ok(is_real.then(|| Endpoint::from_env(env)).transpose()?)
}

/// The stand-ins' addresses go before anything in the environment: `dev` never talks to the real LINE,
/// and the real model is talked to through [`Model::before`].
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

/// The secrets in use but the published one, as JSON writes them.
fn secrets(env: &Env) -> anyhow::Result<Vec<String>> {
    let all = SECRETS.into_iter().map(|name| Ok(env.secret(name)?.expose_secret().to_owned()));
    let all = all.collect::<anyhow::Result<Vec<_>>>()?.into_iter().filter(|secret| secret != SECRET);
    Ok(all.map(|secret| json!(secret).to_string().trim_matches('"').to_owned()).collect())
}

/// What the pipeline's process is told beyond its parent's environment and `.env`.
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

fn world(
    settings: &Settings,
    database: Database,
    origin: &str,
    upstream: Option<Endpoint>,
    http: &Client,
    clock: Clock,
    feed: Arc<Feed>,
) -> anyhow::Result<Arc<World>> {
    let line = Line::new();
    let deliveries = feed.clone();
    let webhooks = Arc::new(Webhooks {
        line: line.clone(),
        secret: settings.channel_secret.clone(),
        endpoint: Mutex::new(format!("{origin}{WEBHOOK_PATH}")),
        again: AGAIN_SECONDS.map(Duration::from_secs).to_vec(),
        http: http.clone(),
        clock: clock.clone(),
        on_delivery: Box::new(move |delivery| tell_delivery(&deliveries, delivery)),
    });
    let model = match upstream {
        Some(endpoint) => Model::before(endpoint, worker::adapters::http::client()?),
        None => Model::offline(Duration::from_millis(THINK_MS)),
    };
    let world = Arc::new(World {
        stages: Stages::new(feed.clone()),
        queue: SqliteQueue::new(database.clone(), clock.clone()),
        letters: Letters::new(database, clock.clone()),
        recording: Mutex::new(Recording::default()),
        messages: Mutex::default(),
        answers: Mutex::default(),
        groups: Mutex::default(),
        under_way: 0.into(),
        is_replaying: false.into(),
        feed,
        webhooks,
        line: line.clone(),
        model,
        clock,
    });
    let watched = Arc::downgrade(&world);
    line.shows(move |chat, arrival| {
        let Some(world) = watched.upgrade() else { return };
        let mut answers = lock(&world.answers);
        let said = answers.entry(chat.to_owned()).or_default();
        let first = said.len();
        if let Arrival::Messages { messages, .. } = &arrival {
            for (id, message, _) in messages {
                said.push(id.clone());
                lock(&world.recording).hears(chat, &message.text);
            }
        }
        tell_arrival(&world.feed, chat, first, arrival);
    });
    Ok(world)
}

fn router(world: &Arc<World>, http: Client, listens: SocketAddr) -> Router {
    let bot_calls = world
        .line
        .clone()
        .router()
        .merge(world.webhooks.clone().router())
        .merge(Router::new().nest(MODEL, world.model.clone().router()))
        .layer(from_fn_with_state(world.feed.clone(), tap::listen));
    page::router(world.clone())
        .merge(webhook::router(world.clone(), http))
        .merge(bot_calls)
        .layer(from_fn_with_state(Guard::new(listens), guard::check))
}
