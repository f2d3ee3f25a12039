//! The operator's listener: which pages it serves and which it refuses, and whether `/healthz` is true.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    time::Duration,
};

use cli::commands::send::webhook_of;
use ingress::queue::JobQueue;
use local::{
    health::{Health, REPORT_REUSE_MAX},
    sqlite::{Database, queue::SqliteQueue},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{sync::oneshot, time::sleep};
use worker::{adapters::http, clock::wall_clock};

use crate::{
    harness::{
        local::{PATH, USER, host, variables},
        process::{Serve, henji},
    },
    job_queue::job,
};

/// Makes a folder and variables for a bot whose LINE and model are never called.
fn alone() -> (TempDir, Vec<(String, String)>) {
    (TempDir::new().unwrap(), variables("http://127.0.0.1:9", "http://127.0.0.1:9"))
}

/// Runs `henji serve` with these arguments and returns how it ended.
fn serve(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(henji());
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(args).env_clear().current_dir(folder);
    command.envs(variables("http://127.0.0.1:9", "http://127.0.0.1:9")).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_world_reaches_the_webhook_alone_and_the_operator_all_but_the_webhook() {
    let (folder, variables) = alone();
    let serve = Serve::start(&folder.path().join("data"), &variables).await;
    let http = http::client().unwrap();
    let status = async |url: String| http.get(url).send().await.unwrap().status().as_u16();
    for path in ["/healthz", "/metrics", "/", "/healthz/", "//healthz"] {
        assert_eq!(status(format!("{}{path}", serve.origin)).await, 404, "{path}");
    }
    assert_eq!(serve.health().await, (200, json!({ "queued": 0, "in_flight": 0, "dead_letters": 0 })));
    assert_eq!(serve.shows("/metrics").await.0, 200);
    assert_eq!(status(format!("{}{PATH}", serve.admin)).await, 404);
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_serves_without_an_operators_listener() {
    let (folder, variables) = alone();
    let data = folder.path().join("data");
    let mut serve = Serve::launch_by(Command::new(henji()), "off", &data, &variables);
    assert!(serve.answers().await, "{}", serve.log());
    assert!(!serve.log().contains("admin"));
    let webhook = webhook_of("hi", USER).to_string();
    assert_eq!(serve.posts(&http::client().unwrap(), &webhook).await, Some(200));
    assert_eq!(serve.terminate(), 0);
}

#[test]
fn an_operators_port_that_is_taken_and_one_that_is_none_are_one_clear_line() {
    let folder = TempDir::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    for admin in [address.to_string(), format!(":{}", address.port())] {
        let ended = serve(folder.path(), &["--admin", &admin]);
        let error = String::from_utf8(ended.stderr).unwrap();
        assert_eq!((ended.status.code(), error.lines().count()), (Some(1), 1), "{error}");
        assert!(error.contains(&address.to_string()) && error.contains("--admin"), "{error}");
    }
    for nonsense in ["", "9090", "on", ":", "127.0.0.1"] {
        assert_eq!(serve(folder.path(), &["--admin", nonsense]).status.code(), Some(2), "{nonsense}");
    }
}

/// Waits until `/healthz` has this status and returns its body.
async fn becomes(serve: &Serve, status: u16) -> Value {
    for _ in 0..1_000 {
        let (now, health) = serve.health().await;
        if now == status {
            return health;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("it never says {status}: {}", serve.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_it_is_not_healthy_and_with_room_again_it_is() {
    let (folder, variables) = alone();
    let data = folder.path().join("data");
    // No file may grow beyond 400 KiB until the test lifts the limit: for SQLite the disk is full.
    let script = "trap '' XFSZ; ulimit -S -f 400; exec \"$0\" \"$@\"";
    let serve = Serve::start_by(script, &data, &variables).await;
    let http = http::client().unwrap();
    assert_eq!(serve.health().await.0, 200);
    let webhook = |n: usize| webhook_of(&format!("{n} {}", "x".repeat(4_000)), &format!("U{n}")).to_string();
    let mut refused = None;
    for n in 0..400 {
        match serve.posts(&http, &webhook(n)).await {
            Some(200) => {}
            Some(503) => refused = refused.or(Some(n)),
            other => panic!("{other:?}"),
        }
        if refused.is_some_and(|first| n > first + 3) {
            break;
        }
    }
    assert!(refused.is_some(), "the disk was never full");
    let health = becomes(&serve, 503).await;
    assert!(health["error"].as_str().unwrap().contains("disk"), "{health}");
    assert!(health["queued"].is_u64() && health["in_flight"].is_u64() && health["dead_letters"].is_u64());
    assert!(serve.shows("/metrics").await.1.contains("henji_healthy 0\n"));
    // The bot recovers only when there is room again.
    assert_eq!((serve.posts(&http, &webhook(500)).await, serve.health().await.0), (Some(503), 503));
    let room =
        Command::new("prlimit").args(["--fsize=unlimited:", "--pid", &serve.pid().to_string()]).status();
    assert!(room.unwrap().success());
    becomes(&serve, 200).await;
    assert_eq!(serve.posts(&http, &webhook(500)).await, Some(200));
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_another_holds_the_database_it_is_not_healthy() {
    let (folder, variables) = alone();
    let data = folder.path().join("data");
    let serve = Serve::start(&data, &variables).await;
    {
        let other = rusqlite::Connection::open(data.join("henji.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let health = becomes(&serve, 503).await;
        assert_eq!(health["error"], "the database takes no transaction");
    }
    becomes(&serve, 200).await;
    assert_eq!(serve.terminate(), 0);
}

/// Makes a database with one queue, and a health check that examines it at most once in this time.
fn looked_at(folder: &TempDir, at_most_every: Duration) -> (Database, Arc<SqliteQueue>, Health) {
    let database = Database::open(&folder.path().join("henji.db")).unwrap();
    let queue = Arc::new(SqliteQueue::new(database.clone(), wall_clock()));
    let health = Health::new(database.clone(), queue.clone(), at_most_every);
    (database, queue, health)
}

#[tokio::test]
async fn a_database_that_hangs_is_not_healthy_until_it_goes_on() {
    let folder = TempDir::new().unwrap();
    let (database, _queue, health) = looked_at(&folder, Duration::ZERO);
    let (goes_on, hangs) = mpsc::channel::<()>();
    let (begins, has_begun) = oneshot::channel();
    let hanging = tokio::spawn(async move {
        let hung = database.call(move |_| {
            let _ = (begins.send(()), hangs.recv());
            Ok(())
        });
        hung.await
    });
    has_begun.await.unwrap();
    // Later reports wait for the same write.
    for _ in 0..2 {
        assert_eq!(health.report().await.error.unwrap(), "the database does not write in time");
    }
    drop(goes_on);
    hanging.await.unwrap().unwrap();
    assert_eq!(health.report().await.error, None);
}

#[tokio::test]
async fn the_queue_is_counted_once_within_the_time_however_often_it_is_asked_for() {
    let queued = async |health: &Health| health.report().await.depth.unwrap().queued;
    for (at_most_every, expected) in [(Duration::from_hours(1), [0, 0, 0]), (Duration::ZERO, [0, 1, 2])] {
        let folder = TempDir::new().unwrap();
        let (_database, queue, health) = looked_at(&folder, at_most_every);
        let mut counted = vec![];
        for event in ["E1", "E2", "E3"] {
            counted.push(queued(&health).await);
            queue.send(&[job("U1", event, "hi")]).await.unwrap();
        }
        assert_eq!(counted, expected);
    }
    assert_eq!(REPORT_REUSE_MAX, Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_do_not_wait_while_very_many_letters_are_counted() {
    let (folder, variables) = alone();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    drop(Database::open(&data.join("henji.db")).unwrap());
    let db = rusqlite::Connection::open(data.join("henji.db")).unwrap();
    db.execute_batch(
        "PRAGMA synchronous = off;
         INSERT INTO letters SELECT 'E' || i || ':1', 'E' || i, 'U' || i, 'line_quota', 'd', 1, 1, '{}' FROM (
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT i FROM n)",
    )
    .unwrap();
    drop(db);
    let serve = Serve::start(&data, &variables).await;
    let http = http::client().unwrap();
    let is_counted = AtomicBool::new(false);
    let counting = async {
        let health = serve.health().await;
        is_counted.store(true, Relaxed);
        health
    };
    let posting = async {
        let mut webhooks = 0;
        while !is_counted.load(Relaxed) {
            let webhook = webhook_of("hi", &format!("U{webhooks}")).to_string();
            assert_eq!(serve.posts(&http, &webhook).await, Some(200));
            webhooks += 1;
        }
        webhooks
    };
    let (health, webhooks) = tokio::join!(counting, posting);
    assert_eq!((health.0, &health.1["dead_letters"]), (200, &json!(400_000)));
    assert!(webhooks >= 3, "only {webhooks} were taken while it was counted");
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doctor_says_why_it_is_not_healthy() {
    let ill = host(axum::Router::new().route(
        "/healthz",
        axum::routing::get(async || {
            (axum::http::StatusCode::SERVICE_UNAVAILABLE, r#"{"error":"database or disk is full"}"#)
        }),
    ))
    .await;
    let folder = TempDir::new().unwrap();
    let mut doctor = tokio::process::Command::new(henji());
    doctor.args(["doctor", "--url", &ill, "--data"]).arg(folder.path()).env_clear();
    let found = doctor.output().await.unwrap();
    let found = String::from_utf8(found.stdout).unwrap();
    assert!(found.contains("answers 503: database or disk is full"), "{found}");
}
