//! The pipeline of `henji dev` as a process of its own, the same `serve::run` that `henji serve` is: so
//! that it can be killed as by a crash, and is watched only from outside, by its log.

use std::{io::Read, net::SocketAddr, path::Path, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::env::Env;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::feed::Feed;
use crate::{
    log_writer::{self, LogWriter},
    serve::{self, DataDir, Listeners, Settings},
};

/// What the steps of a message are logged at.
const LOG_LEVEL: &str = "warn,cli=info,ingress=info,worker=debug";
/// `henji serve` waits 10 s, 30 s, 2 min, 5 min between attempts; here somebody watches.
const PAUSES_SECONDS: [u64; 4] = [1, 2, 4, 8];
/// The pipeline talks to nobody but its parent, which no proxy leads to.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
/// How long a killed pipeline stays dead, for the eye.
const DEAD_FOR: Duration = Duration::from_millis(1_500);
/// How often it may end by itself before it ever listened.
const STARTS_MAX: u32 = 3;

/// The child's main function: runs until its parent is gone.
pub async fn command(data: &Path, env: &Env) -> anyhow::Result<()> {
    let _log = log_writer::start(Some(LOG_LEVEL), None)?;
    let mut settings = Settings::from_env(env)?.fitted()?;
    settings.worker.pauses.between = PAUSES_SECONDS.map(Duration::from_secs);
    let data = DataDir::open(data)?;
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listeners = Listeners { webhooks: serve::bind(any).await?, admin: Some(serve::bind(any).await?) };
    let http = serve::http_client()?;
    tokio::spawn(serve::say_if_model_is_gone(settings.clone(), http.clone()));
    std::thread::spawn(|| {
        // The parent never writes: the pipe ends when the parent does, also by a kill. At once, because
        // the next `henji dev` wants the directory, and takes up what was in flight.
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    serve::run(settings, http, data, listeners, CancellationToken::new()).await
}

/// The addresses that it listens on.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Addresses {
    /// For webhooks.
    #[serde(rename = "address")]
    pub(super) webhooks: SocketAddr,
    /// For `/healthz`.
    pub(super) admin: SocketAddr,
}

/// The parent's view of it.
pub(super) struct Stages {
    addresses: watch::Sender<Option<Addresses>>,
    kill: Notify,
    feed: Arc<Feed>,
}

impl Stages {
    /// Not started yet.
    pub(super) fn new(feed: Arc<Feed>) -> Arc<Self> {
        Arc::new(Self { addresses: watch::Sender::new(None), kill: Notify::new(), feed })
    }

    /// Where it listens, if it lives.
    pub(super) fn addresses(&self) -> Option<Addresses> {
        *self.addresses.borrow()
    }

    /// Waits until it lives.
    pub(super) async fn are_up(&self) {
        let _ = self.addresses.subscribe().wait_for(Option::is_some).await;
    }

    /// SIGKILL, as an out-of-memory killer would, if it lives.
    pub(super) fn kill(&self) {
        if self.addresses().is_some() {
            self.kill.notify_one();
        }
    }

    /// Starts it, and again whenever it ends, until `stop`. Its trouble is shown on the terminal.
    pub(super) async fn keep_running(
        &self,
        data: &Path,
        variables: &[(String, String)],
        mut terminal: LogWriter,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        // Once, at the start: a build in the meantime may have moved the file.
        let program = std::env::current_exe().context("this program cannot find itself")?;
        let mut vain_starts = 0;
        while !stop.is_cancelled() {
            let mut command = Command::new(&program);
            for name in PROXIES {
                command.env_remove(name);
            }
            let mut child = command
                .args(["dev-stages", "--data"])
                .arg(data)
                .envs(variables.iter().cloned())
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .kill_on_drop(true)
                .spawn()
                .context("the pipeline cannot be started")?;
            vain_starts += 1;
            self.feed.tell("pipeline", json!({ "state": "starting" }));
            let by_whom = self.watch(&mut child, &mut terminal, stop).await;
            let was_up = self.addresses.send_replace(None).is_some();
            self.feed.tell("pipeline", json!({ "state": by_whom }));
            if was_up {
                vain_starts = 0;
            } else if by_whom == "killed" {
                vain_starts -= 1;
            } else if vain_starts == STARTS_MAX && !stop.is_cancelled() {
                bail!("the pipeline does not start; its own words are above");
            }
            tokio::select! { () = sleep(DEAD_FOR) => {}, () = stop.cancelled() => {} }
        }
        Ok(())
    }

    /// Until the child has ended; how it did.
    async fn watch(
        &self,
        child: &mut Child,
        terminal: &mut LogWriter,
        stop: &CancellationToken,
    ) -> &'static str {
        let Some(stderr) = child.stderr.take() else { return "ended" };
        let mut lines = BufReader::new(stderr).lines();
        let mut how = "ended";
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => self.hear(&line, child.id(), terminal),
                    _ => break,
                },
                () = self.kill.notified() => {
                    how = "killed";
                    let _ = child.start_kill();
                }
                () = stop.cancelled() => {
                    how = "stopped";
                    let _ = child.start_kill();
                    break;
                }
            }
        }
        let _ = child.wait().await;
        how
    }

    /// One line of its log: a step of a message, a sign of life, or trouble, which the terminal sees too.
    fn hear(&self, line: &str, pid: Option<u32>, terminal: &mut LogWriter) {
        let Ok(mut entry) = serde_json::from_str::<Value>(line) else {
            terminal.line(line);
            return;
        };
        if matches!(entry["level"].as_str(), Some("WARN" | "ERROR")) {
            terminal.line(line);
        }
        if entry["message"] == "henji serves" {
            self.addresses.send_replace(Addresses::deserialize(&entry).ok());
            self.feed.tell("pipeline", json!({ "state": "up", "pid": pid, "resumed": entry["resumed"] }));
        } else if let Some(name) = entry["message"].as_str().map(ToOwned::to_owned) {
            for field in ["message", "timestamp", "target"] {
                entry.as_object_mut().map(|entry| entry.remove(field));
            }
            entry["name"] = name.into();
            self.feed.tell("step", entry);
        }
    }
}
