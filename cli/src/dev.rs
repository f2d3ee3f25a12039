//! `henji dev`: the pipeline with LINE, and without a key the model, stood in for on the same
//! listener. No account, no network; the code that runs is the product's.

use std::{net::SocketAddr, path::Path, time::Duration};

use axum::Router;
use shared::{env::Env, logging};
use tokio::sync::watch;

use crate::{
    http::WEBHOOK_PATH,
    serve::{self, DataDir, Settings},
    standin::{
        line::{Line, Sent},
        model::Model,
    },
};

/// The published secret and token of `dev`, which `henji send` signs with by default.
pub const SECRET: &str = "henji-dev";
/// Where the stand-in model is, beside LINE's paths.
const MODEL: &str = "/standin/model";
/// How long the stand-in model thinks.
const THINK: Duration = Duration::from_millis(800);

/// The command.
pub async fn command(listen: SocketAddr, data: &Path, env: Env) -> anyhow::Result<()> {
    logging::start(std::io::stderr, Some(env.optional("RUST_LOG")?.unwrap_or("warn")));
    let data = DataDir::open(data)?;
    let listener = serve::bind(listen).await?;
    let mut address = listener.local_addr()?;
    if address.ip().is_unspecified() {
        address.set_ip([127, 0, 0, 1].into());
    }
    let origin = format!("http://{address}");
    let is_offline = env.optional("OPEN_AI_API_KEY")?.is_none();
    let settings = Settings::from_env(&environment(env, &origin, is_offline))?;

    let line = Line::new();
    tokio::spawn(show(line.watch()));
    let beside = line.router().merge(Router::new().nest(MODEL, Model::offline(THINK).router()));

    println!("henji dev: the bot listens at {origin}{WEBHOOK_PATH}");
    println!(
        "  LINE is stood in for; the model is {}.",
        if is_offline { "too (no OPEN_AI_API_KEY)" } else { "real" }
    );
    println!("  Say something from another terminal: cargo henji send --text こんにちは");
    println!("  Ctrl-C stops it.");
    tokio::spawn(serve::say_if_model_is_gone(settings.clone()));
    serve::run(settings, data, listener, beside, serve::on_signal()?).await
}

/// The stand-ins' addresses go before anything in the environment: `dev` never talks to the real LINE.
fn environment(env: Env, origin: &str, is_offline: bool) -> Env {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut over = vec![pair("LINE_API_BASE_URL", origin.to_owned())];
    if is_offline {
        over.push(pair("OPENAI_BASE_URL", format!("{origin}{MODEL}/v1")));
    }
    let defaults = ["LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "OPEN_AI_API_KEY"];
    Env::of(over).or(env).or(Env::of(defaults.map(|name| pair(name, SECRET.to_owned()))))
}

async fn show(mut sent: watch::Receiver<Vec<Sent>>) {
    let mut shown = 0;
    while sent.changed().await.is_ok() {
        let all = sent.borrow_and_update();
        for Sent { to, texts, .. } in &all[shown..] {
            for text in texts {
                println!("\n→ {to}\n{text}");
            }
        }
        shown = all.len();
    }
}
