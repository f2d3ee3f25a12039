use std::{
    collections::HashSet,
    process::Command,
    time::{Duration, Instant},
};

use cli::commands::send::webhook_of;
use emulator::{
    faults::Fault,
    line::{Line, PUSH, REPLY},
    model::{Model, see},
};
use tempfile::TempDir;

use crate::harness::{
    local::{Bot, SECRET, USER, host, variables},
    log_lines::{Kind, lines_of},
    process::{Serve, henji, run},
};

struct World {
    line: std::sync::Arc<Line>,
    model: std::sync::Arc<Model>,
    variables: Vec<(String, String)>,
    folder: TempDir,
    http: reqwest::Client,
}

impl World {
    async fn new(think: Duration) -> Self {
        let line = Line::new();
        let model = Model::new(think, |messages| {
            let questions = messages.iter().rev().take_while(|message| message["role"] == "user");
            let texts: Vec<_> = questions.map(see::text).collect();
            format!("answer to {}", texts.into_iter().rev().collect::<Vec<_>>().join(" and "))
        });
        let variables = variables(&host(line.clone().router()).await, &host(model.clone().router()).await);
        let http = worker::adapters::http::client().unwrap();
        Self { line, model, variables, folder: TempDir::new().unwrap(), http }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    async fn serve(&self) -> Serve {
        Serve::start(&self.data(), &self.variables).await
    }

    async fn until(&self, what: &str, done: impl Fn() -> bool) {
        for _ in 0..3_000 {
            if done() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("waited in vain until {what}");
    }

    fn sql(&self, sql: &str) -> Vec<String> {
        let db = rusqlite::Connection::open(self.data().join("henji.db")).unwrap();
        let mut rows = db.prepare(sql).unwrap();
        let text = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        rows.query_map([], text).unwrap().map(|value| format!("{:?}", value.unwrap())).collect()
    }

    /// Returns reason and attempts of each dead letter.
    fn letters(&self) -> Vec<String> {
        let rows = self.sql("SELECT reason || ' ' || attempts FROM letters");
        rows.iter().map(|row| row.trim_start_matches("Text(\"").trim_end_matches("\")").to_owned()).collect()
    }

    /// Waits until this number of users has an answer.
    async fn all_are_answered(&self, expected: usize) {
        self.until("all are answered", || self.line.sent().len() >= expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_under_load_every_accepted_message_is_answered_exactly_once() {
    let answers = answers_of_one_killed_at_random_moments("off").await;
    assert!(answers.iter().all(|answer| !answer.contains(" and ")));
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_what_waits_together_is_answered_exactly_once_all_the_same() {
    let answers = answers_of_one_killed_at_random_moments("merge").await;
    assert!(answers.iter().any(|answer| answer.contains(" and ")), "nothing was answered together");
}

async fn answers_of_one_killed_at_random_moments(burst: &str) -> Vec<String> {
    let mut world = World::new(Duration::from_millis(40)).await;
    world.variables.push(("BURST".into(), burst.into()));
    // On a slow machine one message may be in work in each of the rounds, which must not use up its attempts.
    world.variables.push(("MAX_ATTEMPTS".into(), "9".into()));
    let mut accepted = HashSet::new();
    let mut sent = 0;
    for round in 0..8 {
        let serve = world.serve().await;
        let until = Instant::now() + Duration::from_millis(fastrand::u64(30..250));
        while Instant::now() < until {
            let batch = (0..8).map(|i| {
                let text = format!("message {}", sent + i);
                let body = webhook_of(&text, &format!("U{}", (sent + i) % 11)).to_string();
                let (serve, http) = (&serve, &world.http);
                async move { (text, serve.posts(http, &body).await) }
            });
            for (text, status) in futures_util::future::join_all(batch).await {
                assert_eq!(status, Some(200), "round {round}");
                accepted.insert(text);
            }
            sent += 8;
        }
        serve.kill();
    }
    let serve = world.serve().await;
    let answers = || -> Vec<String> { world.line.sent().into_iter().flat_map(|sent| sent.texts).collect() };
    let answered = || -> Vec<String> {
        let of = |text: String| {
            let texts = text.trim_start_matches("answer to ").split(" and ").map(ToOwned::to_owned);
            texts.collect::<Vec<_>>()
        };
        answers().into_iter().flat_map(of).collect()
    };
    world.until("all are answered", || answered().len() >= accepted.len()).await;
    assert_eq!(serve.terminate(), 0);
    assert_eq!(answered().len(), accepted.len(), "none twice");
    assert_eq!(answered().into_iter().collect::<HashSet<_>>(), accepted, "none lost");
    answers()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_process_dies_each_time_is_given_up_and_its_user_told() {
    let mut world = World::new(Duration::from_hours(1)).await;
    world.variables.push(("MAX_ATTEMPTS".into(), "2".into()));
    for attempt in 1..=2 {
        let serve = world.serve().await;
        if attempt == 1 {
            assert_eq!(serve.posts(&world.http, &webhook_of("hi", USER).to_string()).await, Some(200));
        }
        world.until("the model is asked", || world.model.asked().len() == attempt).await;
        serve.kill();
    }
    let serve = world.serve().await;
    world.all_are_answered(1).await;
    assert!(world.line.sent()[0].texts[0].starts_with("Sorry"));
    assert_eq!(serve.terminate(), 0);
    assert_eq!(world.letters(), ["worker_died 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_pushes_for_the_last_time_it_does_not_say_that_there_is_no_answer() {
    let mut world = World::new(Duration::ZERO).await;
    world.variables.push(("MAX_ATTEMPTS".into(), "1".into()));
    world.line.faults.plan_next(PUSH, Fault::Late(Duration::from_hours(1)));
    let serve = world.serve().await;
    assert_eq!(serve.posts(&world.http, &webhook_of("hi", USER).to_string()).await, Some(200));
    world.all_are_answered(1).await;
    serve.kill();
    let serve = world.serve().await;
    world.until("it is given up", || world.letters() == ["worker_died 1"]).await;
    assert_eq!(serve.terminate(), 0);
    assert_eq!(world.line.sent().len(), 1);
    assert_eq!(world.model.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_replies_it_asks_again_what_became_of_it_and_never_pushes() {
    // If LINE did nothing, the same token works now. If LINE had replied, its refusal does not prove it.
    let lost = Fault::Late(Duration::from_hours(1));
    for (fault, letters) in [(Fault::Hang, &[][..]), (lost, &["delivery_unknown 2"])] {
        let mut world = World::new(Duration::ZERO).await;
        world.variables.push(("DELIVERY".into(), "reply-first".into()));
        world.line.faults.plan_next(REPLY, fault);
        let serve = world.serve().await;
        let webhook = webhook_of("hi", USER);
        world.line.sends(&webhook, tokio::time::Instant::now());
        assert_eq!(serve.posts(&world.http, &webhook.to_string()).await, Some(200));
        world.until("it replies", || !world.line.faults.seen(REPLY).is_empty()).await;
        serve.kill();
        let serve = world.serve().await;
        world.until("the job is acknowledged", || world.sql("SELECT seq FROM jobs").is_empty()).await;
        assert_eq!(serve.terminate(), 0);
        assert_eq!(world.line.sent().len(), 1, "once, whatever became of the first try");
        assert_eq!((world.model.asked().len(), world.line.faults.seen(REPLY).len()), (1, 2));
        assert!(world.line.faults.seen(PUSH).is_empty());
        assert_eq!(world.letters(), letters);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_between_dead_letter_and_acknowledgement_it_asks_no_second_time() {
    let world = World::new(Duration::ZERO).await;
    world.model.plan_error(400, "invalid_request_error");
    world.line.faults.plan_next(PUSH, Fault::Late(Duration::from_hours(1)));
    let serve = world.serve().await;
    assert_eq!(serve.posts(&world.http, &webhook_of("hi", USER).to_string()).await, Some(200));
    world.all_are_answered(1).await;
    serve.kill();
    let serve = world.serve().await;
    world.until("the job is acknowledged", || world.sql("SELECT seq FROM jobs").is_empty()).await;
    assert_eq!(serve.terminate(), 0);
    assert_eq!((world.model.asked().len(), world.line.sent().len()), (1, 1), "asked once, told once");
    assert_eq!(world.letters(), ["model_refused 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_finishes_what_is_quick_gives_back_what_is_slow_and_exits_0() {
    let world = World::new(Duration::from_secs(1)).await;
    let serve = world.serve().await;
    assert_eq!(serve.posts(&world.http, &webhook_of("quick", USER).to_string()).await, Some(200));
    world.until("the model is asked", || !world.model.asked().is_empty()).await;
    assert_eq!(serve.terminate(), 0);
    assert_eq!(world.line.sent().len(), 1, "finished");

    world.model.set_think_time(Duration::from_mins(3));
    let serve = world.serve().await;
    assert_eq!(serve.posts(&world.http, &webhook_of("slow", USER).to_string()).await, Some(200));
    world.until("the model is asked again", || world.model.asked().len() == 2).await;
    let started = Instant::now();
    assert_eq!(serve.terminate(), 0);
    assert!(started.elapsed() < Duration::from_secs(10));

    world.model.set_think_time(Duration::ZERO);
    let serve = world.serve().await;
    world.all_are_answered(2).await;
    assert_eq!(serve.terminate(), 0);
    let db = rusqlite::Connection::open(world.data().join("henji.db")).unwrap();
    let attempts: Vec<u32> = db
        .prepare("SELECT attempts FROM turns")
        .unwrap()
        .query_map([], |r| r.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(attempts, [1, 1], "what was given back is no attempt");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_henji_on_the_same_data_is_refused_with_a_clear_line() {
    let world = World::new(Duration::ZERO).await;
    let serve = world.serve().await;
    let data = world.data();
    for command in ["serve", "dev"] {
        let second = Command::new(henji())
            .args([command, "--listen", "127.0.0.1:0", "--data"])
            .arg(&data)
            .env_clear()
            .envs(world.variables.iter().cloned())
            .output()
            .unwrap();
        let error = String::from_utf8(second.stderr).unwrap();
        assert_eq!(second.status.code(), Some(1), "{error}");
        assert!(error.contains("another henji") && error.contains("--data"), "{error}");
    }
    assert_eq!(serve.terminate(), 0);
}

#[test]
fn a_setting_that_is_missing_or_wrong_stops_the_start_with_one_line_that_names_it() {
    let folder = TempDir::new().unwrap();
    let mut good = variables("http://127.0.0.1:1", "http://127.0.0.1:1");
    good.push(("CONTEXT_TOKENS".to_owned(), "8192".to_owned()));
    let start = |name: &str, value: Option<&str>| {
        let mut command = Command::new(henji());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin", "off"])
            .env_clear()
            .envs(good.iter().cloned())
            .current_dir(folder.path());
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.lines().count()), (Some(1), 1), "{name}: {error}");
        assert!(error.contains(name), "{name}: {error}");
    };
    for name in ["LINE_CHANNEL_SECRET", "LINE_CHANNEL_ACCESS_TOKEN", "OPEN_AI_API_KEY"] {
        start(name, None);
        start(name, Some(""));
        start(name, Some("秘密"));
    }
    for (name, value) in [
        ("MAX_TOKENS", "many"),
        ("MAX_TOKENS", "0"),
        ("MAX_TOKENS", "9000"),
        ("CONTEXT_TOKENS", "-1"),
        ("QUERY_LIMIT", "x"),
        ("MAX_ATTEMPTS", "0"),
        ("HISTORY_TTL_DAYS", "1.5"),
        ("LOCALE", "fr"),
        ("CONCURRENCY", "0"),
        ("JOB_TIMEOUT_SECONDS", "0"),
        ("OPENAI_BASE_URL", "api.openai.com"),
        ("LINE_API_BASE_URL", "ftp://x"),
        ("LINE_API_BASE_URL", "http://x:99999"),
        ("OPENAI_BASE_URL", "http://[::1"),
        ("SYSTEM_PROMPT", &"word ".repeat(9_000)),
    ] {
        start(name, Some(value));
    }
}

#[test]
fn a_database_that_cannot_be_used_is_refused_with_a_clear_line_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("henji.db");
    let refused = |word: &str| {
        let before = std::fs::read(&file).unwrap();
        let mut command = Command::new(henji());
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin", "off", "--data"]).arg(&data).env_clear();
        let output = command.envs(variables("http://127.0.0.1:1", "http://127.0.0.1:1")).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("henji.db") && error.contains(word), "{error}");
        assert_eq!(std::fs::read(&file).unwrap(), before);
    };
    std::fs::write(&file, vec![b'x'; 10_000]).unwrap();
    refused("not a database");
    std::fs::remove_file(&file).unwrap();
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    refused("newer");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_locked_line_is_told_503_and_nothing_is_lost() {
    let mut bot = Bot::start().await;
    bot.hears("before").await;
    bot.answers(&["answer to before"]).await;
    let body = webhook_of("during", USER).to_string();
    {
        let other = rusqlite::Connection::open(bot.database()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let started = Instant::now();
        assert_eq!(bot.posts(body.clone()).await, 503);
        assert!(started.elapsed() < Duration::from_secs(2), "LINE waits two seconds");
    }
    // LINE delivers again, and the event is answered once.
    assert_eq!(bot.posts(body).await, 200);
    bot.answers(&["answer to during"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_line_is_told_503_and_what_was_accepted_is_answered() {
    let world = World::new(Duration::ZERO).await;
    let serve = world.serve().await;
    assert_eq!(serve.posts(&world.http, &webhook_of("before", USER).to_string()).await, Some(200));
    world.all_are_answered(1).await;
    serve.kill();
    // No file may grow beyond 400 blocks of 512 bytes: for SQLite the disk is full.
    let script =
        "trap '' XFSZ; ulimit -f 400; exec \"$0\" serve --listen 127.0.0.1:0 --admin off --data \"$1\"";
    let port_log = world.folder.path().join("full.log");
    let mut child = Command::new("bash")
        .args(["-c", script])
        .arg(henji())
        .arg(world.data())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .envs(world.variables.iter().cloned())
        .stderr(std::fs::File::create(&port_log).unwrap())
        .spawn()
        .unwrap();
    let log = || std::fs::read_to_string(&port_log).unwrap();
    while lines_of(&log(), Kind::Serving).is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let address = log().split(r#""address":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut accepted = 1;
    let mut refused = 0;
    for i in 0..400 {
        let body = webhook_of(&format!("{i} {}", "x".repeat(4_000)), &format!("U{i}")).to_string();
        let signature = ingress::signature::sign(&SECRET.into(), body.as_bytes());
        let url = format!("http://{address}{}", crate::harness::local::PATH);
        match world
            .http
            .post(url)
            .header("x-line-signature", signature)
            .body(body)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
        {
            200 => accepted += 1,
            503 => refused += 1,
            other => panic!("{other}"),
        }
        if refused > 3 {
            break;
        }
    }
    assert!(refused > 3, "the disk was never full");
    assert!(log().contains("ERROR"), "a clear line in the log");
    child.kill().unwrap();
    child.wait().unwrap();
    let serve = world.serve().await;
    world.all_are_answered(accepted).await;
    assert_eq!(world.line.sent().len(), accepted);
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_json_and_holds_nothing_private() {
    let world = World::new(Duration::ZERO).await;
    let mut variables = world.variables.clone();
    variables.push(("RUST_LOG".into(), "trace".into()));
    let serve = Serve::start(&world.data(), &variables).await;
    world.model.plan_error(400, "PRIVATE words of a server");
    for text in ["PRIVATE question", "PRIVATE second"] {
        assert_eq!(serve.posts(&world.http, &webhook_of(text, USER).to_string()).await, Some(200));
    }
    assert_eq!(serve.posts(&world.http, r#"{"events":"PRIVATE"}"#).await, Some(400));
    world.all_are_answered(2).await;
    let log = serve.log();
    assert_eq!(serve.terminate(), 0);
    assert!(log.lines().count() > 3);
    for line in log.lines() {
        let entry: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("not JSON: {line}"));
        assert!(entry.is_object());
    }
    for private in ["PRIVATE", SECRET, "an-access-token", "an-api-key", "Sorry"] {
        assert!(!log.contains(private), "{private} is in the log: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_gone_is_said_at_the_start() {
    let world = World::new(Duration::ZERO).await;
    let body = serde_json::json!({ "error": { "message": "gone", "type": "invalid_request_error", "param": null, "code": "model_not_found" } });
    world.model.faults.plan_next(
        "/v1/models/gpt-5.4-mini",
        emulator::faults::Fault::Respond(404, vec![], body.to_string()),
    );
    let serve = world.serve().await;
    for _ in 0..500 {
        if !lines_of(&serve.log(), Kind::ModelGone).is_empty() {
            assert_eq!(serve.terminate(), 0);
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{}", serve.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_there_for_prometheus() {
    let world = World::new(Duration::ZERO).await;
    let serve = world.serve().await;
    assert_eq!(serve.posts(&world.http, &webhook_of("hello", USER).to_string()).await, Some(200));
    let metrics = async || {
        let response = world.http.get(format!("{}/metrics", serve.admin)).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4");
        String::from_utf8(response.bytes().await.unwrap().to_vec()).unwrap()
    };
    for _ in 0..1_000 {
        if metrics().await.contains("henji_turns_total{outcome=\"answered\"} 1\n") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let text = metrics().await;
    for line in [
        "# TYPE henji_queued gauge",
        "henji_healthy 1",
        "henji_log_lines_dropped_total 0",
        "henji_dead_letters 0",
        "# TYPE henji_answered_total counter",
        "henji_answered_total 1",
        "henji_webhooks_total{status=\"200\"} 1",
        "# TYPE henji_ack_ms summary",
        "henji_model_ms_count 1",
        "henji_sends_total{status=\"200\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}: {text}");
    }
    assert_eq!(serve.terminate(), 0);
}

#[test]
fn wrong_usage_is_2_and_every_command_explains_itself() {
    for args in [
        &["serve", "--nonsense"][..],
        &["nothing"],
        &["send"],
        &["dlq", "redrive"],
        &["send", "--text", "a", "--file", "b"],
    ] {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
    for args in [
        &["--help"][..],
        &["dev", "--help"],
        &["serve", "--help"],
        &["send", "--help"],
        &["dlq", "list", "--help"],
        &["secrets", "put", "--help"],
        &["webhook", "set", "--help"],
        &["doctor", "--help"],
    ] {
        let output = run(args);
        assert!(output.status.success() && !output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn who_types_henji_and_nothing_else_reads_the_first_steps() {
    let output = run(&[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let first_steps = String::from_utf8(output.stderr).unwrap();
    assert!(first_steps.lines().count() > 5, "{first_steps}");
    for command in ["henji dev", "henji secrets check", "henji serve", "henji doctor", "henji --help"] {
        assert!(first_steps.contains(command), "{command}: {first_steps}");
    }
}

#[test]
fn a_shell_completes_the_commands_and_man_shows_them() {
    let folder = TempDir::new().unwrap();
    let script = folder.path().join("henji.bash");
    let completions = run(&["completions", "bash"]).stdout;
    assert!(!String::from_utf8_lossy(&completions).contains("dev-stages"));
    std::fs::write(&script, completions).unwrap();
    // The shell completes the second word after `henji dlq` that begins with `red`.
    let completed = Command::new("bash")
        .args(["-c", ". \"$0\"; COMP_WORDS=(henji dlq red); COMP_CWORD=2; _henji henji red dlq; echo \"${COMPREPLY[@]}\""])
        .arg(&script)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(completed.stdout).unwrap().trim(), "redrive");
    let pages = folder.path().join("man");
    assert!(run(&["man", pages.to_str().unwrap()]).status.success());
    for page in ["henji.1", "henji-serve.1", "henji-dlq-redrive.1"] {
        assert!(std::fs::read_to_string(pages.join(page)).unwrap().contains(".TH"), "{page}");
    }
    assert!(!pages.join("henji-dev-stages.1").exists());
}
