//! `henji serve` runs both stages in one process, with the real LINE and the real model.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use local::{
    listeners::operator::{self, Admin},
    log_writer, private,
    serve::{self, DATABASE, DataDir, Listeners, PROMPT_FILE, Settings},
    signals,
};
use shared::{env::Env, metrics::Metrics};
use worker::config::with_prices;

use crate::dotenv::DOTENV;

/// Arguments of `henji serve`.
#[derive(clap::Args)]
pub struct Args {
    /// The address to listen on for webhooks only
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The address of /healthz and /metrics, which only operators should reach: `:0` for any free port, or `off`
    #[arg(long, default_value = operator::DEFAULT, value_name = "ADDRESS")]
    admin: Admin,
    /// The directory of the queue and the history
    #[arg(long, default_value = "henji-data")]
    data: PathBuf,
}

/// Runs the command.
pub async fn command(Args { listen, admin, data }: Args, env: &Env) -> anyhow::Result<()> {
    let _log = log_writer::start(env.optional("RUST_LOG")?, Metrics::totals(&with_prices(env.clone()))?)?;
    let settings = Settings::read(env, &data)?.fitted()?;
    let files = [DATABASE, PROMPT_FILE].map(|name| data.join(name));
    private::warn_if_writable_by_others(&[Path::new(DOTENV), &data, &files[0], &files[1]]);
    let data = DataDir::open(&data)?;
    let listeners = Listeners { webhooks: serve::bind(listen).await?, admin: admin.bind().await? };
    let http = serve::http_client()?;
    tokio::spawn(serve::say_if_model_is_gone(settings.clone(), http.clone()));
    serve::run(settings, http, data, listeners, signals::stop()?).await
}
