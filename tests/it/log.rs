//! The log without a reader: it stops nothing. A function has written all its lines before it answers.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStderr, Command, Stdio},
    time::Duration,
};

use cli::commands::send::webhook_of;
use emulator::{line::Line, model::Model};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::sleep;
use worker::adapters::http;

use crate::harness::{
    lambda::runtime_api::{RuntimeApi, trace},
    local::{host, variables},
    log_lines::{Kind, is_of, lines_of},
    process::{henji, posts, program},
};

/// `henji serve` whose log this test reads, or leaves unread.
struct Serve {
    child: Child,
    log: BufReader<ChildStderr>,
    origin: String,
    admin: String,
    line: std::sync::Arc<Line>,
    _folder: TempDir,
}

impl Serve {
    async fn start(filter: &str) -> Self {
        let line = Line::new();
        let model = Model::new(Duration::ZERO, |_| "an answer".to_owned());
        let variables = variables(&host(line.clone().router()).await, &host(model.router()).await);
        let folder = TempDir::new().unwrap();
        let mut command = Command::new(henji());
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", ":0"]).env_clear().envs(variables);
        command.env("RUST_LOG", filter).current_dir(folder.path()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while lines_of(&said, Kind::Serving).is_empty() {
            said.clear();
            assert!(log.read_line(&mut said).unwrap() > 0, "it ended");
        }
        let said: Value = serde_json::from_str(&said).unwrap();
        let [origin, admin] = ["address", "admin"].map(|at| format!("http://{}", said[at].as_str().unwrap()));
        Self { child, log, origin, admin, line, _folder: folder }
    }

    /// Posts this number of webhooks of fifty people, and waits until all are answered.
    async fn answers(&self, webhooks: usize) {
        let http = http::client().unwrap();
        for n in 0..webhooks {
            let webhook = webhook_of(&format!("message {n}"), &format!("U{}", n % 50)).to_string();
            assert_eq!(posts(&http, &self.origin, &webhook).await, Some(200), "webhook {n}");
        }
        let mut sent = self.line.watch();
        let all = sent.wait_for(|sent| sent.len() >= webhooks);
        tokio::time::timeout(Duration::from_mins(1), all).await.expect("they are not answered").unwrap();
    }

    async fn dropped(&self) -> u64 {
        let url = format!("{}/metrics", self.admin);
        let shown = http::client().unwrap().get(url).send().await.unwrap().text().await.unwrap();
        let dropped = shown.lines().find_map(|line| line.strip_prefix("henji_log_lines_dropped_total "));
        dropped.unwrap().parse().unwrap()
    }

    /// Sends SIGTERM; returns the exit code and the unread rest of the log.
    fn ends(mut self) -> (Option<i32>, String) {
        let told = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        let code = self.child.wait().unwrap().code();
        let mut rest = vec![];
        self.log.read_to_end(&mut rest).unwrap();
        (code, String::from_utf8(rest).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_reads_its_log_it_takes_webhooks_and_answers_them_and_ends_when_it_is_told_to() {
    let serve = Serve::start("info").await;
    serve.answers(2_000).await;
    assert_eq!(serve.ends().0, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_nobody_read_are_counted_and_told_of_once_somebody_reads_again() {
    let mut serve = Serve::start("trace").await;
    let mut webhooks = 0;
    while serve.dropped().await == 0 {
        webhooks += 100;
        assert!(webhooks < 10_000, "nothing is ever dropped: the buffer has no bound");
        serve.answers(100).await;
    }
    let reading = tokio::task::spawn_blocking(move || {
        let mut said = String::new();
        loop {
            said.clear();
            assert!(serve.log.read_line(&mut said).unwrap() > 0, "it ended");
            let line: Value = serde_json::from_str(&said).expect("lines are whole");
            if is_of(&line, Kind::LinesDropped) {
                assert_eq!(line["level"], "WARN");
                return (serve, line["lines"].as_u64().unwrap());
            }
        }
    });
    let (serve, told) = reading.await.unwrap();
    assert!(told > 0);
    // The bot still answers.
    assert_eq!(posts(&http::client().unwrap(), &serve.origin, r#"{"events":[]}"#).await, Some(200));
    let (code, rest) = serve.ends();
    assert_eq!(code, Some(0));
    assert_eq!(lines_of(&rest, Kind::Stopped).len(), 1, "all is written at the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_the_log_who_is_gone_ends_nothing() {
    let mut serve = Serve::start("info").await;
    serve.log = BufReader::new(nobody());
    serve.answers(100).await;
    assert!(serve.dropped().await > 0);
    assert_eq!(serve.ends().0, Some(0));
}

/// Returns the log of another process, which is at its end.
fn nobody() -> ChildStderr {
    let mut child = Command::new("true").stderr(Stdio::piped()).spawn().unwrap();
    child.wait().unwrap();
    child.stderr.take().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_while_nobody_reads_ends_all_the_same() {
    // The pipe is full before the program begins.
    let script = "yes | head -c 65536 >&2; exec \"$0\" serve --listen 127.0.0.1:0 --admin off";
    let mut command = Command::new("bash");
    let mut child = command
        .args(["-c", script])
        .arg(henji())
        .env("LINE_CHANNEL_SECRET", "")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    for _ in 0..1_000 {
        if let Some(ended) = child.try_wait().unwrap() {
            assert_eq!(ended.code(), Some(1));
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    child.kill().unwrap();
    panic!("it waits for who does not read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_has_written_its_lines_before_its_invocation_is_answered() {
    // Lambda freezes the function after its answer: later lines may never be written.
    let api = RuntimeApi::start(trace("ingress", false)).await;
    let mut function = Command::new(program("ingress"));
    function.env_clear().envs([
        ("AWS_LAMBDA_RUNTIME_API", api.address.to_string().as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", "ingress"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_REGION", "ap-northeast-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("QUEUE_URL", "http://127.0.0.1:9/queue.fifo"),
        ("BASE_SECRET_PATH", "/henji/"),
    ]);
    let mut function = function.stdout(Stdio::piped()).spawn().unwrap();
    let mut answered = 0;
    // Each invocation writes a line, and nobody reads: when the pipe is full, an answer waits for its line.
    while api.invoke(json!({}), Duration::from_millis(500)).await.is_ok() {
        answered += 1;
        assert!(answered < 5_000, "it answers whatever becomes of its lines");
    }
    let log = BufReader::new(function.stdout.take().unwrap());
    let reading = tokio::task::spawn_blocking(move || {
        let lines = log.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        lines.filter(|line| is_of(line, Kind::InvocationInvalid)).count()
    });
    api.invoke(json!({}), Duration::from_secs(10)).await.unwrap();
    function.kill().unwrap();
    function.wait().unwrap();
    assert_eq!(reading.await.unwrap(), answered + 2, "a line for each that was answered, late or not");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_of_line_is_logged_with_its_endpoint_and_without_ids() {
    let serve = Serve::start("debug").await;
    serve.line.plan_error("/v2/bot/chat/loading/start", 500, "on purpose");
    serve.answers(1).await;
    let (code, log) = serve.ends();
    assert_eq!(code, Some(0));
    let called = lines_of(&log, Kind::LineCalled);
    let push = called.iter().find(|line| line["endpoint"] == "/v2/bot/message/push").unwrap();
    assert_eq!((&push["level"], &push["status"]), (&"DEBUG".into(), &200.into()));
    assert!(push["request"].as_str().is_some_and(|id| id.len() > 9) && push["line_ms"].is_u64(), "{push}");
    let failed = lines_of(&log, Kind::LineCallFailed);
    let endpoints: Vec<_> =
        failed.iter().map(|line| (&line["endpoint"], &line["status"], &line["level"])).collect();
    let loading = (&json!("/v2/bot/chat/loading/start"), &json!(500), &json!("INFO"));
    assert!(endpoints.contains(&loading), "{endpoints:?}");
    let profile = json!("/v2/bot/profile/{userId}");
    assert!(called.iter().chain(&failed).any(|line| line["endpoint"] == profile), "{log}");
}
