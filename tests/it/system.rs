//! What the system asks of the process: signals.

use std::time::Duration;

use cli::{
    send::webhook_of,
    standin::{line::Line, model::Model},
};
use tempfile::TempDir;
use tokio::time::sleep;
use worker::adapters::http;

use crate::{
    bot::{USER, host, variables},
    process::Serve,
};

#[tokio::test(flavor = "multi_thread")]
async fn sighup_ends_it_as_sigterm_does_and_what_is_in_flight_is_given_back() {
    let (line, model) = (Line::new(), Model::new(Duration::from_hours(1), |_| "an answer".to_owned()));
    let variables = variables(&host(line.clone().router()).await, &host(model.clone().router()).await);
    let (folder, http) = (TempDir::new().unwrap(), http::client().unwrap());
    let data = folder.path().join("data");
    // Whoever runs the tests may have had it ignored.
    let script = "exec env --default-signal=HUP \"$0\" \"$@\"";
    let serve = Serve::start_by(script, &data, &variables).await;
    assert_eq!(serve.posts(&http, &webhook_of("slow", USER).to_string()).await, Some(200));
    while model.asked().is_empty() {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(serve.ends_by("HUP"), 0);
    let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
    assert!(log.lines().last().unwrap().contains("henji stopped"), "{log}");
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
    assert!(!serve.log().contains("told to stop"));
    assert_eq!(serve.terminate(), 0);
}
