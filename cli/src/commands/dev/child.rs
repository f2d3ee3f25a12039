//! The pipeline's process in `henji dev`: it runs the same `serve::run` as `henji serve`, until its parent ends.

use std::{io::Read, net::SocketAddr, path::Path, time::Duration};

use local::{
    log_writer,
    serve::{self, DataDir, Listeners, Settings},
};
use shared::env::Env;
use tokio_util::sync::CancellationToken;

/// The log filter. It includes the levels at which the steps of a message are logged, because the page shows them.
const LOG_LEVEL: &str = "warn,local=info,ingress=info,worker=debug";
/// The pauses between attempts. `henji serve` waits 10 s, 30 s, 2 min, 5 min; here they are short, as a person watches.
const PAUSES_SECONDS: [u64; 4] = [1, 2, 4, 8];

/// Runs the process.
pub async fn command(data: &Path, env: &Env) -> anyhow::Result<()> {
    let _log = log_writer::start(Some(LOG_LEVEL), None)?;
    let mut settings = Settings::read(env, data)?.fitted()?;
    settings.worker.sends_event_header = true;
    settings.worker.pauses.between = PAUSES_SECONDS.map(Duration::from_secs);
    let data = DataDir::open(data)?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listeners = Listeners { webhooks: serve::bind(any).await?, admin: Some(serve::bind(any).await?) };
    let http = serve::http_client()?;
    tokio::spawn(serve::say_if_model_is_gone(settings.clone(), http.clone()));
    std::thread::spawn(|| {
        // The parent never writes: the pipe ends when the parent ends, also if it is killed. This process then exits at
        // once, because the next `henji dev` needs the directory and continues the jobs that were in flight.
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    serve::run(settings, http, data, listeners, CancellationToken::new()).await
}
