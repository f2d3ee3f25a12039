//! The demands and limits of the operating system: signals, open files.

use std::{process::Command, time::Duration};

use cli::commands::send::webhook_of;
use emulator::{line::Line, model::Model};
use futures_util::future::join_all;
use tempfile::TempDir;
use tokio::time::sleep;
use worker::adapters::http;

use crate::harness::{
    local::{USER, host, variables},
    log_lines::{Kind, is_of, lines_of},
    process::{Serve, henji},
};

#[tokio::test(flavor = "multi_thread")]
async fn sighup_ends_it_as_sigterm_does_and_what_is_in_flight_is_given_back() {
    let (line, model) = (Line::new(), Model::new(Duration::from_hours(1), |_| "an answer".to_owned()));
    let variables = variables(&host(line.clone().router()).await, &host(model.clone().router()).await);
    let (folder, http) = (TempDir::new().unwrap(), http::client().unwrap());
    let data = folder.path().join("data");
    // The parent of the tests may have ignored the signal.
    let script = "exec env --default-signal=HUP \"$0\" \"$@\"";
    let serve = Serve::start_by(script, &data, &variables).await;
    assert_eq!(serve.posts(&http, &webhook_of("slow", USER).to_string()).await, Some(200));
    while model.asked().is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(serve.ends_by("HUP"), 0);
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(is_of(&serde_json::from_str(log.lines().last().unwrap()).unwrap(), Kind::Stopped), "{log}");
    let db = rusqlite::Connection::open(data.join("henji.db")).unwrap();
    let attempts: u32 = db.query_row("SELECT attempts FROM turns", [], |row| row.get(0)).unwrap();
    assert_eq!(attempts, 0, "what was given back is no attempt");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nohup_started_outlives_its_terminal() {
    let variables = variables("http://127.0.0.1:9", "http://127.0.0.1:9");
    let (folder, http) = (TempDir::new().unwrap(), http::client().unwrap());
    let script = "exec env --ignore-signal=HUP \"$0\" \"$@\"";
    let serve = Serve::start_by(script, &folder.path().join("data"), &variables).await;
    serve.is_sent("HUP");
    assert_eq!(serve.posts(&http, &webhook_of("hi", USER).to_string()).await, Some(200));
    assert!(lines_of(&serve.log(), Kind::Stopping).is_empty());
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_few_open_files_webhooks_are_taken_while_all_conversations_wait() {
    let (line, model) = (Line::new(), Model::new(Duration::from_hours(1), |_| "an answer".to_owned()));
    let mut variables = variables(&host(line.clone().router()).await, &host(model.clone().router()).await);
    variables.push(("CONCURRENCY".into(), "1000".into()));
    let (folder, http) = (TempDir::new().unwrap(), http::client().unwrap());
    let script = "ulimit -n 256; exec \"$0\" \"$@\"";
    let serve = Serve::start_by(script, &folder.path().join("data"), &variables).await;
    let said = serve.log();
    let said = said.lines().find(|line| line.contains("CONCURRENCY")).unwrap();
    for word in ["WARN", "256", "1000", "36", "ulimit -n", "LimitNOFILE"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    // These are more people than the bot can answer at once.
    for user in 0..300 {
        let webhook = webhook_of("hi", &format!("U{user}")).to_string();
        assert_eq!(serve.posts(&http, &webhook).await, Some(200), "user {user}");
    }
    while model.asked().len() < 36 {
        sleep(Duration::from_millis(10)).await;
    }
    // Each webhook has a connection of its own. The clients are made first, because that takes longer than LINE
    // waits.
    let clients: Vec<_> = (0..40).map(|_| http::client().unwrap()).collect();
    let webhooks = clients
        .iter()
        .enumerate()
        .map(async |(n, http)| serve.posts(http, &webhook_of("hi", &format!("V{n}")).to_string()).await);
    assert_eq!(join_all(webhooks).await, [Some(200); 40]);
    let (status, health) = serve.health().await;
    assert_eq!((status, &health["in_flight"]), (200, &serde_json::json!(36)));
    assert!(lines_of(&serve.log(), Kind::ConnectionFailed).is_empty());
    assert_eq!(serve.terminate(), 0);
}

#[test]
fn too_few_open_files_are_refused_with_a_clear_line() {
    let folder = TempDir::new().unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-c", "ulimit -n 64; exec \"$0\" serve --listen 127.0.0.1:0 --admin off"]).arg(henji());
    shell.env_clear().envs(variables("http://127.0.0.1:9", "http://127.0.0.1:9")).current_dir(folder.path());
    let ended = shell.output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!((ended.status.code(), error.lines().count()), (Some(1), 1), "{error}");
    assert!(error.contains("64") && error.contains("ulimit -n"), "{error}");
}
