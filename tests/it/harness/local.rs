//! A bot in this process: both stages on port 0 and a database on disk, with emulators of LINE and the model over
//! HTTP. At its end it asserts that no job is left, that the specifications allow every request that it made, and
//! that its log holds nothing private.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::Router;
use cli::commands::send::webhook_of;
use emulator::{
    line::{Line, PUSH, Sent},
    model::{Model, see},
};
use local::{
    serve::{self, DataDir, Listeners, Settings},
    sqlite::{Database, queue::SqliteQueue},
};
use serde_json::{Value, json};
use shared::env::Env;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness::{
    secrecy::{Private, logged_since, logged_so_far},
    spec,
};

pub const SECRET: &str = "a channel secret";
pub const USER: &str = "U4af4980629000000000000000000000a";
pub const PATH: &str = "/v1/line/bot/message/reply";

pub struct Bot {
    pub line: Arc<Line>,
    pub model: Arc<Model>,
    pub data: TempDir,
    /// The address for LINE.
    pub origin: String,
    /// The address for the operator.
    pub admin: String,
    pub http: reqwest::Client,
    pub settings: Settings,
    pub leaves_jobs: bool,
    pub private: Arc<Private>,
    log_begins: usize,
    told: usize,
    stop: CancellationToken,
}

/// Serves an emulator and returns its address.
pub async fn host(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

/// Returns the variables of a bot that calls these emulators.
pub fn variables(line: &str, model: &str) -> Vec<(String, String)> {
    [
        ("LINE_CHANNEL_SECRET", SECRET),
        ("LINE_CHANNEL_ACCESS_TOKEN", "an-access-token"),
        ("OPEN_AI_API_KEY", "an-api-key"),
        ("LINE_API_BASE_URL", line),
        ("LINE_DATA_API_BASE_URL", line),
        ("OPENAI_BASE_URL", &format!("{model}/v1")),
        ("LOCALE", "en"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

impl Bot {
    pub async fn start() -> Self {
        Self::with(&[], |_| {}).await
    }

    /// Starts it with these variables, and with settings that no variable sets.
    pub async fn with(env: &[(&str, &str)], change: impl FnOnce(&mut Settings)) -> Self {
        let line = Line::new();
        let model = Model::new(Duration::ZERO, |messages| {
            format!("answer to {}", see::said(messages.last().unwrap()))
        });
        let (line_url, model_url) = (host(line.clone().router()).await, host(model.clone().router()).await);
        let mut variables = variables(&line_url, &model_url);
        variables.extend(env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
        let mut settings = Settings::from_env(&Env::of(variables)).unwrap();
        // The pauses are short enough for a test, and different enough to distinguish them.
        settings.worker.pauses.within = [20, 40].map(Duration::from_millis);
        settings.worker.pauses.between = [60, 80, 100, 120].map(Duration::from_millis);
        change(&mut settings);
        let data = TempDir::new().unwrap();
        let mut bot = Self {
            line,
            model,
            data,
            settings,
            origin: String::new(),
            admin: String::new(),
            http: worker::adapters::http::client().unwrap(),
            leaves_jobs: false,
            private: Arc::default(),
            log_begins: logged_so_far(),
            told: 0,
            stop: CancellationToken::new(),
        };
        bot.run().await;
        bot
    }

    async fn run(&mut self) {
        let webhooks = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.origin = format!("http://{}", webhooks.local_addr().unwrap());
        self.admin = format!("http://{}", admin.local_addr().unwrap());
        let listeners = Listeners { webhooks, admin: Some(admin) };
        self.stop = CancellationToken::new();
        let data = DataDir::open(self.data.path()).unwrap();
        let (settings, stop) = (self.settings.clone(), self.stop.clone());
        tokio::spawn(async move {
            serve::run(settings, serve::http_client().unwrap(), data, listeners, stop).await.unwrap();
        });
    }

    /// Stops the bot and starts it again, with its settings as they are now.
    pub async fn restarts(&mut self) {
        self.stop.cancel();
        self.until("the old process ends", async || DataDir::open(self.data.path()).is_ok()).await;
        self.run().await;
    }

    pub fn database(&self) -> PathBuf {
        self.data.path().join(serve::DATABASE)
    }

    /// Reads or changes the database without the bot's knowledge.
    pub fn sql(&self, sql: &str) -> Vec<String> {
        let text = |row: Vec<_>| row.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ");
        self.rows(sql).into_iter().map(text).collect()
    }

    /// Returns the rows of a query.
    pub(super) fn rows(&self, sql: &str) -> Vec<Vec<rusqlite::types::Value>> {
        let db = rusqlite::Connection::open(self.database()).unwrap();
        db.busy_timeout(Duration::from_secs(5)).unwrap();
        let mut statement = db.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect());
        rows.unwrap().map(Result::unwrap).collect()
    }

    /// Posts these bytes with this signature and returns the status.
    pub async fn posts_signed(&self, body: impl Into<Vec<u8>>, signature: Option<&[u8]>) -> u16 {
        let body = body.into();
        let webhook = serde_json::from_slice(&body).unwrap_or_default();
        self.line.sends(&webhook, tokio::time::Instant::now());
        self.private.notes(&webhook);
        let mut request = self.http.post(format!("{}{PATH}", self.origin)).body(body);
        if let Some(signature) = signature {
            self.private.notes_text(&String::from_utf8_lossy(signature));
            request = request.header("X-Line-Signature", signature);
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// Posts these bytes with LINE's signature and returns the status.
    pub async fn posts(&self, body: impl Into<Vec<u8>>) -> u16 {
        let body = body.into();
        let signature = ingress::signature::sign(&SECRET.into(), &body);
        self.posts_signed(body, Some(signature.as_bytes())).await
    }

    /// Posts this text of the user, and asserts that the bot accepts it.
    pub async fn hears(&self, text: &str) {
        self.hears_from(USER, text).await;
    }

    pub async fn hears_from(&self, user: &str, text: &str) {
        assert_eq!(self.posts(webhook_of(text, user).to_string()).await, 200);
    }

    /// Returns the current state, which `/healthz` shows within a second.
    pub async fn health(&self) -> Value {
        let database = Database::existing(&self.database()).unwrap();
        json!(SqliteQueue::new(database, worker::clock::wall_clock()).depth().await.unwrap())
    }

    /// Returns the page of the operator's listener at a path.
    async fn shows(&self, path: &str) -> String {
        let response = self.http.get(format!("{}{path}", self.admin)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let shown = response.text().await.unwrap();
        self.private.is_not_in(&shown, path);
        shown
    }

    /// Waits until `done`, for at most half a minute.
    pub async fn until(&self, what: &str, done: impl AsyncFn() -> bool) {
        for _ in 0..3_000 {
            if done().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited in vain until {what}: {}", self.health().await);
    }

    /// Waits until no job is left.
    pub async fn drain(&self) {
        self.until("no job is left", async || {
            let health = self.health().await;
            health["queued"] == 0 && health["in_flight"] == 0
        })
        .await;
        for path in ["/healthz", "/metrics"] {
            self.shows(path).await;
        }
    }

    /// Returns the messages since the last call, once no job is left.
    pub async fn sends(&mut self) -> Vec<Sent> {
        self.drain().await;
        let sent = self.line.sent().split_off(self.told);
        self.told += sent.len();
        sent
    }

    /// Returns the texts of [`Self::sends`].
    pub async fn says(&mut self) -> Vec<String> {
        self.sends().await.into_iter().flat_map(|sent| sent.texts).collect()
    }

    /// Asserts that the user gets these messages and no others.
    pub async fn answers(&mut self, expected: &[&str]) {
        assert_eq!(self.says().await, expected);
    }

    /// Returns the dead letters, as `henji dlq list --json` shows them.
    pub async fn letters(&self) -> Value {
        let database = local::sqlite::Database::open(&self.database()).unwrap();
        let letters = local::sqlite::dead_letters::DeadLetters::new(database, worker::clock::wall_clock());
        json!(letters.list().await.unwrap())
    }

    /// Asserts that there is one dead letter, with this reason and this state.
    pub async fn gave_up(&self, reason: &str, state: &str) {
        self.drain().await;
        let letters = self.letters().await;
        assert_eq!(letters.as_array().unwrap().len(), 1, "{letters}");
        assert_eq!(
            (&letters[0]["reason"], &letters[0]["state"]),
            (&json!(reason), &json!(state)),
            "{letters}"
        );
        assert!(!letters[0]["detail"].as_str().unwrap().is_empty());
    }

    /// Redrives every dead letter.
    pub async fn redrives(&self) {
        let database = local::sqlite::Database::open(&self.database()).unwrap();
        let letters = local::sqlite::dead_letters::DeadLetters::new(database, worker::clock::wall_clock());
        for letter in letters.list().await.unwrap() {
            assert_eq!(
                letters.redrive(&letter.id).await.unwrap(),
                local::sqlite::dead_letters::Redriven::Queued
            );
        }
    }

    /// Returns every push that was tried, accepted or not: retry key and body.
    pub fn pushes_tried(&self) -> Vec<(String, Value)> {
        let seen = self.line.faults.seen(PUSH);
        seen.into_iter().map(|seen| (seen.headers["x-line-retry-key"].clone(), seen.body)).collect()
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        self.stop.cancel();
        if std::thread::panicking() {
            return;
        }
        let jobs = self.sql("SELECT count(*) FROM jobs");
        assert!(self.leaves_jobs || jobs == ["Integer(0)"], "jobs are left over: {jobs:?}");
        for seen in self.line.faults.all_seen().iter().chain(&self.model.faults.all_seen()) {
            spec::check(seen);
            self.private.notes(&seen.body);
        }
        self.private.is_not_in(&logged_since(self.log_begins), "the bot");
    }
}
