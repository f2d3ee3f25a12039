//! `henji dev` as a process, without a browser: who may call it, its answers to bad input, its secrecy, and the kill
//! of its pipeline. `tests/browser` tests the page itself.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use emulator::{faults::Fault, model::Model};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    local::{PATH, host},
    process::{henji, run},
    secrecy::Private,
};

const AOI: &str = "U00000000000000000000000000000001";
/// The file with its standard error.
const LOG: &str = "dev.log";
/// A picture of one pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const GROUP: &str = "C00000000000000000000000000000001";

struct Dev {
    child: Child,
    data: Arc<TempDir>,
    origin: String,
    http: reqwest::Client,
    private: Private,
}

impl Dev {
    fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_in(Arc::new(TempDir::new().unwrap()), variables)
    }

    fn start_in(data: Arc<TempDir>, variables: &[(&str, &str)]) -> Self {
        let mut command = command(&["--listen", "127.0.0.1:0"], data.path(), variables);
        let log = std::fs::File::create(data.path().join(LOG)).unwrap();
        let dev = Self::of(command.stderr(log).spawn().unwrap(), data);
        for (_, value) in variables {
            dev.private.notes_text(value);
        }
        dev
    }

    /// Waits until this process prints its address, and returns it as a `Dev`.
    fn of(mut child: Child, data: Arc<TempDir>) -> Self {
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let origin = line.trim().trim_end_matches('/').rsplit(' ').next().unwrap().to_owned();
        let http = worker::adapters::http::client().unwrap();
        Self { child, data, origin, http, private: Private::default() }
    }

    /// Returns the status of a request with these headers.
    async fn status(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.origin)).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status().as_u16()
    }

    async fn does(&self, step: Value) -> u16 {
        self.private.notes(&step);
        let headers = [("origin", self.origin.as_str()), ("content-type", "application/json")];
        self.status("POST", "/dev/steps", &headers, &step.to_string()).await
    }

    /// Reads the feed from its start until an entry is as wanted; returns all entries so far.
    async fn feed_until(&self, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut feed = self.http.get(format!("{}/dev/events", self.origin)).send().await.unwrap();
        let (mut bytes, mut read) = (vec![], vec![]);
        let reading = async {
            loop {
                bytes.extend(feed.chunk().await.unwrap().expect("the feed goes on"));
                while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = bytes.drain(..=end).collect();
                    let entry =
                        line.strip_prefix(b"data: ").map(|data| serde_json::from_slice(data).unwrap());
                    let Some(entry) = entry else { continue };
                    let is_wanted = wanted(&entry);
                    read.push(entry);
                    if is_wanted {
                        return;
                    }
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it is never told");
        read
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            let log = std::fs::read_to_string(self.data.path().join(LOG)).unwrap_or_default();
            self.private.is_not_in(&log, "henji dev");
        }
    }
}

fn command(args: &[&str], folder: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(henji());
    command.arg("dev").args(args).env_clear().envs(variables.iter().copied()).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[tokio::test]
async fn other_hosts_and_origins_are_refused_and_the_page_lets_nothing_else_in() {
    let dev = Dev::start(&[]);
    let host = dev.origin.trim_start_matches("http://");
    let port = host.rsplit(':').next().unwrap();
    let step = json!({ "do": "say", "user": AOI, "text": "hi" }).to_string();
    let json = ("content-type", "application/json");
    for own in [host.to_owned(), format!("localhost:{port}")] {
        assert_eq!(dev.status("GET", "/", &[("host", &own)], "").await, 200, "{own}");
        let origin = format!("http://{own}");
        let headers = [("host", own.as_str()), ("origin", &origin), json];
        assert_eq!(dev.status("POST", "/dev/steps", &headers, &step).await, 204, "{own}");
    }
    let strangers = [
        "evil.example",
        "evil.example:80",
        "localhost",
        "127.0.0.1",
        "[::1]:1",
        "localhost.evil.example",
        "",
    ]
    .map(ToOwned::to_owned);
    for stranger in strangers.into_iter().chain([
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("192.168.0.1:{port}"),
        format!("127.0.0.1:{}", 1),
    ]) {
        for path in ["/", "/dev/events", "/dev/conversation", "/healthz", "/v2/bot/info"] {
            assert_eq!(dev.status("GET", path, &[("host", &stranger)], "").await, 403, "{stranger} {path}");
        }
        let origin = format!("http://{stranger}");
        for headers in [
            vec![("origin", origin.as_str()), json],
            vec![("origin", "null"), json],
            vec![("host", &stranger), ("origin", &origin), json],
            vec![json],
        ] {
            assert_eq!(dev.status("POST", "/dev/steps", &headers, &step).await, 403, "{headers:?}");
        }
        assert_eq!(dev.status("POST", PATH, &[("origin", &origin)], "{}").await, 403);
    }
    // A browser sends this header for a page of another site, also where it sends no origin.
    for site in ["cross-site", "same-site", "newer", "", "é"] {
        for path in ["/", "/dev/events", "/dev/conversation", "/dev/contents/1", "/healthz", "/v2/bot/info"] {
            assert_eq!(dev.status("GET", path, &[("sec-fetch-site", site)], "").await, 403, "{site} {path}");
        }
        assert_eq!(dev.status("POST", PATH, &[("sec-fetch-site", site)], "{}").await, 403, "{site}");
        let link = [("sec-fetch-site", site), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
        assert_eq!(dev.status("GET", "/", &link, "").await, 200, "a link to the page may be followed");
        assert_eq!(dev.status("GET", "/dev/conversation", &link, "").await, 403);
        let frame = [link[0], link[1], ("sec-fetch-dest", "iframe")];
        assert_eq!(dev.status("GET", "/", &frame, "").await, 403);
    }
    for site in ["same-origin", "none"] {
        assert_eq!(
            dev.status("GET", "/dev/conversation", &[("sec-fetch-site", site)], "").await,
            200,
            "{site}"
        );
    }
    assert_eq!(
        dev.status("POST", "/dev/steps", &[("origin", &dev.origin), ("content-type", "text/plain")], &step)
            .await,
        400
    );
    let page = dev.http.get(&dev.origin).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let text = page.text().await.unwrap();
    assert!(!text.contains("http://") && !text.contains("https://"), "the page loads nothing from elsewhere");
}

#[tokio::test]
async fn nonsense_is_refused_with_a_reason_and_does_no_harm() {
    let dev = Dev::start(&[]);
    for step in [
        json!({}),
        json!({ "do": "nothing" }),
        json!({ "do": "say", "user": AOI }),
        json!({ "do": "say", "user": AOI, "text": " \n" }),
        json!({ "do": "say", "user": AOI, "text": "a".repeat(100_001) }),
        json!({ "do": "say", "user": "nobody", "text": "a" }),
        json!({ "do": "say", "user": AOI, "text": "a", "more": 1 }),
        json!({ "do": "tap", "user": AOI, "data": "", "text": "" }),
        json!({ "do": "tap", "user": AOI, "data": "a".repeat(100_001), "text": "" }),
        json!({ "do": "sticker", "user": AOI, "sticker": 8 }),
        json!({ "do": "picture", "user": AOI, "base64": "PHN2Zz4=" }),
        json!({ "do": "picture", "user": AOI, "base64": "!" }),
        json!({ "do": "pictures", "user": AOI, "base64": [] }),
        json!({ "do": "pictures", "user": AOI, "base64": [PNG, "!"] }),
        json!({ "do": "pictures", "user": AOI, "base64": vec![PNG; 21] }),
        json!({ "do": "unsend", "message": 0 }),
        json!({ "do": "redeliver" }),
        json!({ "do": "group", "chat": "C1", "name": "short", "members": [AOI] }),
        json!({ "do": "group", "chat": format!("C{}", "a".repeat(32)), "name": "Nobody's", "members": [] }),
        json!({ "do": "invite", "chat": AOI }),
        json!({ "do": "remove", "chat": GROUP }),
        json!({ "do": "enter", "user": AOI, "chat": GROUP }),
        json!({ "do": "say", "user": AOI, "text": "a", "chat": format!("C{}", "a".repeat(32)) }),
        json!({ "do": "say", "user": AOI, "text": "a", "quotes": { "message": 0 } }),
        json!({ "do": "say", "user": AOI, "text": "a", "quotes": { "answer": 0 } }),
        json!({ "do": "edit", "message": 0, "text": "b" }),
        json!({ "do": "file", "user": AOI, "name": "f", "base64": "?" }),
        json!({ "do": "contents", "fault": "sings" }),
        json!({ "do": "join", "user": "U1", "name": "short" }),
        json!({ "do": "join", "user": AOI.replace('1', "3"), "name": "" }),
        json!({ "do": "join", "user": AOI.replace('1', "3"), "name": "Mei", "language": "not a tag!" }),
        json!({ "do": "model", "fault": "sings" }),
    ] {
        assert_eq!(dev.does(step.clone()).await, 400, "{step}");
    }
    assert_eq!(dev.does(json!({ "do": "say", "user": AOI, "text": "still there?" })).await, 204);
    dev.feed_until(|entry| entry["name"] == "answered").await;
}

#[tokio::test]
async fn a_replay_of_messages_that_cannot_be_ends_and_the_next_one_begins() {
    let dev = Dev::start(&[]);
    let beyond = u64::MAX;
    let steps = json!([
        { "do": "join", "user": AOI, "name": "Aoi" },
        { "do": "say", "user": AOI, "text": "hi" },
        { "do": "unsend", "message": beyond },
        { "do": "say", "user": AOI, "text": "hi", "quotes": { "message": beyond } },
    ]);
    let headers = [("origin", dev.origin.as_str()), ("content-type", "application/json")];
    let body = json!({ "henji_conversation": 1, "steps": steps }).to_string();
    for replays in 1..=2 {
        assert_eq!(dev.status("POST", "/dev/replay", &headers, &body).await, 204);
        let ends = std::cell::Cell::new(0);
        dev.feed_until(|entry| {
            ends.set(ends.get() + u32::from(entry["kind"] == "replay" && entry["same"] == false));
            ends.get() == replays
        })
        .await;
    }
}

#[tokio::test]
async fn secrets_in_use_are_never_shown() {
    let model = Model::new(Duration::ZERO, |_| "an answer".to_owned());
    // A server may write the key into its refusal.
    for _ in 0..3 {
        model.plan_fault(Fault::Respond(500, vec![], "not with sk-a-real-key".into()));
    }
    let server = host(model.clone().router()).await + "/v1";
    let secrets = [
        ("LINE_CHANNEL_SECRET", "a-real-channel-secret"),
        ("LINE_CHANNEL_ACCESS_TOKEN", "a-real-access-token"),
        ("OPEN_AI_API_KEY", "sk-a-real-key"),
        ("OPENAI_BASE_URL", server.as_str()),
    ];
    let dev = Dev::start(&secrets);
    assert_eq!(dev.does(json!({ "do": "say", "user": AOI, "text": "hi" })).await, 204);
    let told = dev.feed_until(|entry| entry["name"] == "retry_scheduled").await;
    let saved = dev.http.get(format!("{}/dev/conversation", dev.origin)).send().await.unwrap();
    let shown = format!("{} {}", json!(told), saved.text().await.unwrap());
    assert!(shown.contains("x-line-signature") && shown.contains("Bearer •") && shown.contains("not with •"));
    for (name, secret) in &secrets[..3] {
        assert!(!shown.contains(secret), "{name}");
    }
    assert!(told.iter().any(|entry| entry["kind"] == "hello" && entry["offline"] == false));
}

#[tokio::test]
async fn with_a_server_of_ones_own_its_answers_come_as_they_are_and_the_knobs_still_work() {
    let model = Model::new(Duration::ZERO, |messages| format!("<script>{}</script>", messages.len()));
    let server = host(model.clone().router()).await + "/v1";
    let dev = Dev::start(&[("OPENAI_BASE_URL", &server)]);
    dev.does(json!({ "do": "model", "fault": "broken", "once": true })).await;
    dev.does(json!({ "do": "say", "user": AOI, "text": "hi" })).await;
    let told = dev.feed_until(|entry| entry["kind"] == "answer").await;
    assert_eq!(told.last().unwrap()["messages"][0]["text"], "<script>2</script>");
    assert_eq!(model.asked().len(), 1, "the failure was made before it");
    assert!(told.iter().any(|entry| entry["kind"] == "call_end" && entry["status"] == 500));
}

#[tokio::test]
async fn what_send_sends_is_shown_like_what_the_page_sends() {
    let dev = Dev::start(&[]);
    dev.feed_until(|entry| entry["state"] == "up").await;
    let url = format!("{}{PATH}", dev.origin);
    let user = "U4af4980629000000000000000000000a";
    let (stranger, at) = ("U4af4980629000000000000000000000b", url.clone());
    let forged = tokio::task::spawn_blocking(move || {
        run(&["send", "--text", "forged", "--user", stranger, "--secret", "wrong", "--url", &at])
    });
    assert!(!forged.await.unwrap().status.success());
    let sent = tokio::task::spawn_blocking(move || {
        run(&["send", "--text", "from afar", "--user", user, "--url", &url])
    });
    let told = dev.feed_until(|entry| entry["name"] == "answered").await;
    let told_of = |kind: &str| told.iter().any(|entry| entry["kind"] == kind && entry["user"] == user);
    assert!(told_of("user") && told_of("said"));
    assert!(told.iter().any(|entry| entry["kind"] == "answer" && entry["chat"] == user));
    assert!(told.iter().all(|entry| entry["user"] != stranger), "nobody said what LINE did not sign");
    assert!(sent.await.unwrap().status.success());
}

#[tokio::test]
async fn pictures_that_are_sent_at_once_come_in_a_webhook_each_or_in_one() {
    let dev = Dev::start(&[]);
    for (one_webhook, webhooks_in_all) in [(false, 3), (true, 4)] {
        let step =
            json!({ "do": "pictures", "user": AOI, "base64": vec![PNG; 3], "one_webhook": one_webhook });
        assert_eq!(dev.does(step).await, 204);
        let webhooks = std::cell::Cell::new(0);
        let is_last = |entry: &Value| {
            webhooks.set(webhooks.get() + usize::from(entry["kind"] == "webhook"));
            webhooks.get() == webhooks_in_all
        };
        let told = dev.feed_until(is_last).await;
        let of = |kind: &'static str| told.iter().filter(move |entry| entry["kind"] == kind);
        let shown: Vec<_> = of("said").map(|entry| entry["message"].clone()).collect();
        let bodies = of("webhook").map(|entry| entry["body"].as_str().unwrap());
        let bodies = bodies.map(|body| serde_json::from_str::<Value>(body).unwrap());
        let events: Vec<_> = bodies.flat_map(|body| body["events"].as_array().unwrap().clone()).collect();
        assert_eq!(shown.len(), events.len());
        let (shown, events) = (&shown[shown.len() - 3..], &events[events.len() - 3..]);
        for (index, message) in (1..).zip(shown) {
            let set = &message["imageSet"];
            assert_eq!(*set, json!({ "id": shown[0]["imageSet"]["id"], "index": index, "total": 3 }));
            assert!(events.iter().any(|event| event["message"] == *message));
        }
    }
}

#[tokio::test]
async fn a_killed_pipeline_is_another_process_and_the_answer_comes_once() {
    let dev = Dev::start(&[]);
    dev.does(json!({ "do": "think", "ms": 400 })).await;
    dev.feed_until(|entry| entry["state"] == "up").await;
    dev.does(json!({ "do": "say", "user": AOI, "text": "survive this" })).await;
    for begun in 1..=3 {
        let is_asked = |entry: &Value| entry["kind"] == "step" && entry["attempts"] == begun;
        dev.feed_until(is_asked).await;
        dev.does(json!({ "do": "kill" })).await;
    }
    let told = dev.feed_until(|entry| entry["name"] == "answered").await;
    let of = |kind: &str| told.iter().filter(|entry| entry["kind"] == kind).count();
    assert_eq!(of("answer"), 1);
    let pids: Vec<_> = told.iter().filter_map(|entry| entry["pid"].as_u64()).collect();
    assert_eq!(pids.len(), 4, "{pids:?}");
    for _ in 0..6 {
        dev.does(json!({ "do": "kill" })).await;
    }
    dev.does(json!({ "do": "say", "user": AOI, "text": "and this" })).await;
    let told = dev
        .feed_until(|entry| entry["name"] == "answered" && entry["event"] != told.last().unwrap()["event"])
        .await;
    let pids: Vec<_> = told.iter().filter_map(|entry| entry["pid"].as_u64()).collect();
    // The pipeline ends with its parent, however the parent ends.
    let last = *pids.last().unwrap();
    drop(dev);
    for _ in 0..500 {
        let status = std::fs::read_to_string(format!("/proc/{last}/stat")).unwrap_or_default();
        if status.is_empty() || status.contains(") Z ") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the pipeline outlives henji dev");
}

#[tokio::test]
async fn it_is_healthy_while_its_pipeline_lives() {
    let dev = Dev::start(&[]);
    let becomes = async |status: u16| {
        for _ in 0..1_000 {
            if dev.status("GET", "/healthz", &[], "").await == status {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("/healthz never says {status}");
    };
    becomes(200).await;
    let shown = dev.http.get(format!("{}/healthz", dev.origin)).send().await.unwrap().text().await.unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown, json!({ "queued": 0, "in_flight": 0, "dead_letters": 0 }));
    dev.does(json!({ "do": "kill" })).await;
    becomes(503).await;
    becomes(200).await;
    // The page's address serves no metrics.
    assert_eq!(dev.status("GET", "/metrics", &[], "").await, 404);
}

#[tokio::test]
async fn closing_its_terminal_ends_it_as_ctrl_c_does() {
    let folder = TempDir::new().unwrap();
    // The parent of the tests may have ignored the signal.
    let mut command = Command::new("env");
    command.args(["--default-signal=HUP"]).arg(henji()).args(["dev", "--listen", "127.0.0.1:0"]);
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir(folder.path());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("chat with the bot"), "{line}");
    let sent = Command::new("kill").args(["-s", "HUP", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_terminal_that_is_paused_holds_up_no_answer() {
    let folder = Arc::new(TempDir::new().unwrap());
    // No reader empties the pipe of standard error, which is full before the program begins.
    let mut shell = Command::new("bash");
    shell.args(["-c", "yes | head -c 65536 >&2; exec \"$0\" dev --listen 127.0.0.1:0"]).arg(henji());
    shell.env_clear().env("PATH", "/usr/bin:/bin").current_dir(folder.path());
    let child = shell.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let dev = Dev::of(child, folder);
    // The error of the pipeline is shown on the terminal.
    dev.does(json!({ "do": "model", "fault": "refuses", "once": true })).await;
    dev.does(json!({ "do": "say", "user": AOI, "text": "hi" })).await;
    dev.feed_until(|entry| entry["name"] == "dead_lettered").await;
    dev.does(json!({ "do": "say", "user": AOI, "text": "again" })).await;
    dev.feed_until(|entry| entry["name"] == "answered").await;
}

#[test]
fn bad_input_is_one_clear_line() {
    let folder = TempDir::new().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    let file = folder.path().join("file");
    for (text, why) in [
        ("{", "no conversation saved by henji dev"),
        ("[1, 2]", "no conversation saved by henji dev"),
        (r#"{"henji_conversation": 9, "steps": []}"#, "version 9"),
        (r#"{"henji_conversation": 1, "steps": [{"do": "dance"}]}"#, "dance"),
    ] {
        std::fs::write(&file, text).unwrap();
        fails(folder.path(), &["--replay", "file"], &["file cannot be replayed", why]);
    }
    fails(folder.path(), &["--replay", "missing"], &["missing cannot be read"]);
    fails(folder.path(), &["--listen", &port], &[&port, "cannot be listened on"]);
    fails(folder.path(), &["--data", "/proc/henji"], &["/proc/henji", "cannot be made"]);
    fails(folder.path(), &["--data", "file"], &["file"]);
}

fn fails(folder: &Path, args: &[&str], words: &[&str]) {
    let output = command(args, folder, &[]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{args:?}: {error}");
    for word in words {
        assert!(error.starts_with("henji: ") && error.contains(word), "{args:?}: {error}");
    }
}

#[tokio::test]
async fn a_data_directory_of_another_henji_is_refused_and_what_it_remembers_is_said() {
    let dev = Dev::start(&[]);
    dev.feed_until(|entry| entry["state"] == "up").await;
    fails(dev.data.path(), &["--listen", "127.0.0.1:0"], &["another henji works on .henji-dev"]);
    dev.does(json!({ "do": "say", "user": AOI, "text": "remember me" })).await;
    dev.feed_until(|entry| entry["name"] == "answered").await;
    let data = dev.data.clone();
    drop(dev);
    // The earlier pipeline ends when it notices; until then its directory is locked.
    for _ in 0..500 {
        let lock = std::fs::File::open(data.path().join(".henji-dev/henji.lock")).unwrap();
        if lock.try_lock().is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let dev = Dev::start_in(data, &[]);
    let told = dev.feed_until(|entry| entry["kind"] == "past").await;
    assert_eq!(told.last().unwrap()["messages"], 2);
}
