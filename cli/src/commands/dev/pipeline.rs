//! The pipeline of `henji dev` as its parent sees it: a process that the parent starts, kills and starts again. The
//! parent observes it only from outside, by its log and its database.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use async_trait::async_trait;
use emulator::{
    feed::Feed,
    pipeline::{Addresses, Pipeline, Refusal, RequestIds},
};
use local::{
    log_writer::LogWriter,
    sqlite::{
        Database,
        dead_letters::{DeadLetters, Redriven},
        queue::SqliteQueue,
    },
};
use serde_json::{Value, json};
use shared::{event::Kind, job::EventId};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    sync::{Notify, watch},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use worker::{clock::Clock, turn::apology::APOLOGY};

/// The proxy variables that are removed: the pipeline talks only to its parent, which is not behind a proxy.
const PROXIES: [&str; 4] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
/// The time until a pipeline that ended is started again: long enough for a person to see it on the page.
const DEAD_FOR: Duration = Duration::from_millis(1_500);
/// The number of starts in a row that may end before the pipeline listens.
const STARTS_MAX: u32 = 3;

/// The pipeline's process, as its parent holds it.
pub(super) struct Process {
    addresses: watch::Sender<Option<Addresses>>,
    kill: Notify,
    feed: Arc<Feed>,
    queue: SqliteQueue,
    letters: DeadLetters,
}

impl Process {
    /// Makes the handle of a process that will use this database; it does not start it yet.
    pub(super) fn new(feed: Arc<Feed>, database: Database, clock: Clock) -> Arc<Self> {
        let queue = SqliteQueue::new(database.clone(), clock.clone());
        let letters = DeadLetters::new(database, clock);
        Arc::new(Self { addresses: watch::Sender::new(None), kill: Notify::new(), feed, queue, letters })
    }

    /// Starts the process, and again each time it ends, until `stop`. Writes its warnings and errors to the terminal.
    pub(super) async fn keep_running(
        &self,
        data: &Path,
        variables: &[(String, String)],
        mut terminal: LogWriter,
        stop: &CancellationToken,
    ) -> anyhow::Result<()> {
        // The path is read once, at the start: a build in the meantime may move the file.
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

    /// Reads the child's log until the child has ended, and returns how it ended.
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

    /// Handles one line of its log: a step of a message, or the line that says it listens, goes to the page; a warning
    /// or an error goes to the terminal.
    fn hear(&self, line: &str, pid: Option<u32>, terminal: &mut LogWriter) {
        let Ok(mut entry) = serde_json::from_str::<Value>(line) else {
            terminal.line(line);
            return;
        };
        if matches!(entry["level"].as_str(), Some("WARN" | "ERROR")) {
            terminal.line(line);
        }
        if entry["kind"] == Kind::Serving.as_str() {
            let address = |name: &str| entry[name].as_str()?.parse().ok();
            let addresses = address("address").zip(address("admin"));
            let addresses = addresses.map(|(webhooks, operator)| Addresses { webhooks, operator });
            self.addresses.send_replace(addresses);
            self.feed.tell("pipeline", json!({ "state": "up", "pid": pid, "resumed": entry["resumed"] }));
        } else if entry["kind"].is_string() {
            for field in ["message", "timestamp", "target"] {
                entry.as_object_mut().map(|entry| entry.remove(field));
            }
            entry["name"] = entry["kind"].take();
            self.feed.tell("step", entry);
        }
    }
}

#[async_trait]
impl Pipeline for Process {
    fn addresses(&self) -> Option<Addresses> {
        *self.addresses.borrow()
    }

    async fn is_up(&self) {
        let _ = self.addresses.subscribe().wait_for(Option::is_some).await;
    }

    fn kill(&self) {
        if self.addresses().is_some() {
            self.kill.notify_one();
        }
    }

    async fn depth(&self) -> Value {
        self.queue.depth().await.map(|depth| json!(depth)).unwrap_or_default()
    }

    async fn dead_letters(&self) -> Value {
        self.letters.list().await.map(|letters| json!(letters)).unwrap_or_default()
    }

    async fn redrive(&self, letter: Option<String>) -> Result<(), Refusal> {
        let trouble = |_| "the dead letters cannot be read";
        let all = self.letters.list().await.map_err(trouble)?;
        for found in all.into_iter().filter(|l| letter.as_ref().is_none_or(|id| *id == l.id)) {
            if self.letters.redrive(&found.id).await.map_err(trouble)? == Redriven::Unreadable {
                return Err("the letter is not a job");
            }
        }
        Ok(())
    }

    fn request_ids(&self, event: &Value) -> RequestIds {
        let Some(id) = event["webhookEventId"].as_str() else { return RequestIds::default() };
        let id = EventId::of_event(Some(id), None, b"");
        // An edit that asks the bot a question begins a second turn, with a derived event id.
        let second = (event["type"] == "messageEdited").then(|| id.derived("question"));
        let apology = second.as_ref().unwrap_or(&id).derive(APOLOGY).to_string();
        RequestIds { second: second.map(|id| id.to_string()), apology: Some(apology) }
    }
}
