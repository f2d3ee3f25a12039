//! High load: the memory of a waiting turn, and the state after a storm. `tests/bench/run load` measures more.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use cli::commands::send::webhook_of;
use emulator::{line::Line, model::Model};
use tempfile::TempDir;
use tokio::time::sleep;
use worker::adapters::http;

use crate::harness::{
    local::{Bot, host, variables},
    process::{Serve, memory_kib, posts},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_who_wait_take_little_memory_and_a_kill_loses_none_of_them() {
    const USERS: usize = 1_000;
    let (line, model) = (Line::new(), Model::new(Duration::from_hours(1), |_| "an answer".to_owned()));
    let mut variables = variables(&host(line.clone().router()).await, &host(model.clone().router()).await);
    variables.push(("CONCURRENCY".into(), USERS.to_string()));
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let serve = Serve::start(&data, &variables).await;
    let (http, before) = (http::client().unwrap(), memory_kib(serve.pid(), "VmRSS"));
    for user in 0..USERS {
        assert_eq!(serve.posts(&http, &webhook_of("hi", &format!("U{user}")).to_string()).await, Some(200));
    }
    while model.asked().len() < USERS {
        sleep(Duration::from_millis(20)).await;
    }
    let each = (memory_kib(serve.pid(), "VmRSS") - before) / USERS as u64;
    println!("each of those who wait takes {each} KiB");
    // 26 KiB are hyper's buffers, and about as much again is a turn's state in a debug build.
    assert!(each < 80, "more than a connection and a turn is held: {each} KiB");
    serve.kill();
    model.set_think_time(Duration::ZERO);
    let (mut sent, serve) = (line.watch(), Serve::start(&data, &variables).await);
    sent.wait_for(|sent| sent.len() >= USERS).await.unwrap();
    let told: HashSet<_> = line.sent().into_iter().map(|sent| sent.to).collect();
    assert_eq!((told.len(), line.sent().len()), (USERS, USERS));
    assert_eq!(serve.terminate(), 0);
}

/// Asserts that no deleted file is open: a temporary file of SQLite would hold people's words where nobody looks.
fn keeps_no_file_elsewhere(pid: u32) {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    let open = open.filter_map(|it| std::fs::read_link(it.unwrap().path()).ok());
    let gone: Vec<_> = open.filter(|path| path.to_string_lossy().ends_with("(deleted)")).collect();
    assert!(gone.is_empty(), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_a_process_that_is_killed_again_and_again_loses_nothing_and_answers_nobody_twice() {
    const CLIENTS: usize = 16;
    let (line, model) = (Line::new(), Model::new(Duration::from_millis(300), |_| "an answer".to_owned()));
    let mut variables = variables(&host(line.clone().router()).await, &host(model.clone().router()).await);
    variables.push(("CONCURRENCY".into(), "100".into()));
    variables.push(("MAX_ATTEMPTS".into(), "100".into()));
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let mut serve = Serve::start(&data, &variables).await;
    let is_over = AtomicBool::new(false);
    let origin = std::sync::Mutex::new(serve.origin.clone());
    let client = async |client: usize| {
        let http = http::client().unwrap();
        let mut taken = 0;
        while !is_over.load(Relaxed) {
            let webhook = webhook_of("hi", &format!("U{client}-{}", taken % 40)).to_string();
            // The webhook is delivered again until it is taken, as LINE does.
            loop {
                let origin = origin.lock().unwrap().clone();
                if posts(&http, &origin, &webhook).await == Some(200) {
                    break;
                }
                sleep(Duration::from_millis(20)).await;
            }
            taken += 1;
        }
        taken
    };
    let kills = async {
        for _ in 0..4 {
            for _ in 0..30 {
                sleep(Duration::from_millis(30)).await;
                keeps_no_file_elsewhere(serve.pid());
            }
            serve.kill();
            serve = Serve::start(&data, &variables).await;
            origin.lock().unwrap().clone_from(&serve.origin);
        }
        is_over.store(true, Relaxed);
        serve
    };
    let (serve, taken) = tokio::join!(kills, futures_util::future::join_all((0..CLIENTS).map(client)));
    let taken: usize = taken.into_iter().sum();
    let mut sent = line.watch();
    sent.wait_for(|sent| sent.len() >= taken).await.unwrap();
    println!("{taken} webhooks over four kills");
    assert!(taken > 100);
    assert_eq!(serve.terminate(), 0);
    let keys: HashSet<_> = line.sent().into_iter().map(|sent| sent.retry_key).collect();
    assert_eq!((line.sent().len(), keys.len()), (taken, taken));
}

fn pages(bot: &Bot) -> u64 {
    let shown = bot.sql("SELECT page_count FROM pragma_page_count").concat();
    shown.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

#[tokio::test]
async fn the_room_that_a_backlog_took_goes_back_to_the_disk() {
    let mut bot = Bot::start().await;
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    // The insert makes 24 MiB of expired messages.
    bot.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
         INSERT INTO messages (id, conversation, role, content, created_at, event_id, expires_at)
         SELECT i, 'U' || i, 'user', printf('%4000d', i), '2020-01-01T00:00:00.000000Z', i, 1 FROM n",
    );
    assert!(pages(&bot) > 6_000);
    bot.restarts().await;
    for _ in 0..300 {
        if pages(&bot) < 5_000 {
            break;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let left = pages(&bot);
    assert!((4_000..5_000).contains(&left), "16 MiB are kept for what comes: {left} pages");
    bot.hears("again").await;
    bot.answers(&["answer to again"]).await;
}
