//! Attacks of strangers on the listener, and of broken or hostile servers on memory and on an operator's terminal.

use std::{
    convert::Infallible,
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    http::StatusCode,
    routing::{get, post},
};
use cli::commands::send::webhook_of;
use emulator::{SENT, line::webhook::PATIENCE};
use serde_json::json;
use tempfile::TempDir;

use crate::harness::{
    lambda::{bot::host, world::World},
    local::{Bot, PATH, USER, variables},
    operator::Operator,
    process::{Serve, memory_kib, run},
};

mod connections;
mod webhooks;

fn connects(origin: &str) -> TcpStream {
    let client = TcpStream::connect(origin.strip_prefix("http://").unwrap()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    client
}

/// Returns the statuses with which the listener answers these bytes, until the connection ends.
fn statuses(origin: &str, bytes: &[u8]) -> Vec<u16> {
    let mut client = connects(origin);
    // The listener may close the connection of a refused request before its end.
    let _ = client.write_all(bytes);
    let _ = client.shutdown(Shutdown::Write);
    let mut answer = vec![];
    let _ = client.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    answer.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_against_the_rules_of_http_are_refused_and_the_next_one_is_served() {
    let mut bot = Bot::start().await;
    let post = |headers: &str, body: &str| format!("POST {PATH} HTTP/1.1\r\nHost: x\r\n{headers}\r\n{body}");
    let many = "x: y\r\n".repeat(200);
    for (why, request, expected) in [
        ("a header of a megabyte", post(&format!("x: {}\r\n", "y".repeat(1 << 20)), ""), 431),
        ("200 headers", post(&many, ""), 431),
        ("a path of a megabyte", format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20)), 431),
        ("a length below zero", post("Content-Length: -1\r\n", ""), 400),
        ("a length with a sign", post("Content-Length: +2\r\n", "{}"), 400),
        ("a length beyond all numbers", post("Content-Length: 99999999999999999999\r\n", "{}"), 400),
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}x"), 400),
        ("a length that is too large", post("Content-Length: 1000000000000\r\n", "{}"), 413),
        ("a body that ends before its length", post("Content-Length: 100\r\n", "{}"), 400),
        ("a chunk without a size", post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n"), 400),
        ("another coding", post("Transfer-Encoding: gzip\r\n", "{}"), 400),
        ("no HTTP", "\u{16}\u{3}\u{1}\0\0\0".repeat(9), 400),
    ] {
        // A client that still writes when the listener closes the connection may miss the answer.
        let origin = bot.origin.clone();
        let said = tokio::task::spawn_blocking(move || statuses(&origin, request.as_bytes())).await.unwrap();
        assert!(said.is_empty() || said == [expected], "{why}: {said:?}");
    }
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
}

/// Opens a thousand connections that send a byte now and then, of headers or of a large body, until each is closed.
fn trickle(origin: &str) {
    let mut slow: Vec<TcpStream> = (0..1_000).map(|_| connects(origin)).collect();
    for (n, client) in slow.iter_mut().enumerate() {
        let body = format!("Content-Length: 1000000\r\n\r\n{}", "a".repeat(20_000));
        let begun = if n.is_multiple_of(2) { &*body } else { "x: " };
        write!(client, "POST {PATH} HTTP/1.1\r\nHost: x\r\n{begun}").unwrap();
        client.set_nonblocking(true).unwrap();
    }
    while !slow.is_empty() {
        let is_open = |client: &mut TcpStream| match client.write(b"a") {
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        slow.retain_mut(is_open);
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_who_trickle_are_cut_off_and_meanwhile_line_gets_its_200() {
    let mut bot = Bot::start().await;
    let origin = bot.origin.clone();
    let trickling = tokio::task::spawn_blocking(move || trickle(&origin));
    let mut heard = 0;
    while !trickling.is_finished() {
        let mut webhook = webhook_of(&format!("message {heard}"), USER);
        webhook["events"][0]["padding"] = "x".repeat(20_000).into();
        let taken = tokio::time::timeout(PATIENCE, bot.posts(webhook.to_string())).await;
        assert_eq!(taken.ok(), Some(200), "within LINE's patience");
        heard += 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    trickling.await.unwrap();
    bot.drain().await;
    assert_eq!(bot.says().await.len(), heard);
}

/// Answers every request with this beginning and then a gibibyte of it; `sent` counts the bytes.
async fn endless(beginning: &'static str, sent: &Arc<AtomicU64>) -> String {
    const CHUNK: &[u8] = &[b'a'; 64 << 10];
    let sent = sent.clone();
    host(Router::new().fallback(async move || {
        let first = std::iter::once(beginning.as_bytes());
        let chunks = first.chain(std::iter::repeat_n(CHUNK, 16 << 10)).map(move |chunk| {
            sent.fetch_add(chunk.len() as u64, Relaxed);
            Ok::<_, Infallible>(Bytes::from_static(chunk))
        });
        Body::from_stream(futures_util::stream::iter(chunks))
    }))
    .await
}

/// Returns the peak memory of a process, in MiB.
fn peak(pid: u32) -> u64 {
    memory_kib(pid, "VmHWM") >> 10
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_answers_of_the_model_and_of_line_are_read_to_their_limits_and_take_no_memory() {
    let sent = Arc::default();
    let model = endless(r#"{"choices":[{"message":{"content":""#, &sent).await;
    let line = endless(r#"{"sentMessages":[{"id":""#, &sent).await;
    let folder = TempDir::new().unwrap();
    let mut variables = variables(&line, &model);
    variables.push(("MAX_ATTEMPTS".into(), "1".into()));
    let serve = Serve::start(&folder.path().join("data"), &variables).await;
    let (http, before) = (worker::adapters::http::client().unwrap(), peak(serve.pid()));
    let mut picture = webhook_of("", USER);
    picture["events"][0]["message"] =
        json!({ "type": "image", "id": "1", "contentProvider": { "type": "line" } });
    let text = |n: usize| webhook_of("an endless question", &format!("U{n}"));
    for webhook in (0..9).map(text).chain([picture]) {
        assert_eq!(serve.posts(&http, &webhook.to_string()).await, Some(200));
    }
    // Each question is given up, because the response is no completion; the apology gets an endless response, too.
    let mut unfinished = 10;
    for _ in 0..3_000 {
        let (_, health) = serve.health().await;
        unfinished = health["queued"].as_u64().unwrap() + health["in_flight"].as_u64().unwrap();
        if unfinished == 0 {
            assert_eq!(health["dead_letters"], 9, "the picture is too large, which its user is told");
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(unfinished, 0, "{}", serve.log());
    let (grown, sent) = (peak(serve.pid()) - before, sent.load(Relaxed) >> 20);
    println!("{sent} MiB were sent; the process grew by {grown} MiB");
    assert!(sent > 200, "three tries of nine questions read 8 MiB each");
    assert!(sent < 1_024, "less than one whole answer of some forty");
    assert!(grown < 160, "nine at once hold at most 8 MiB each, and twice that while it grows: {grown} MiB");
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test]
async fn nobody_is_asked_for_compressed_answers_which_could_be_bombs() {
    let mut bot = Bot::start().await;
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    let all = bot.line.faults.all_seen().into_iter().chain(bot.model.faults.all_seen());
    let headers: Vec<_> = all.map(|seen| seen.headers).collect();
    assert!(
        headers.len() >= 2
            && headers.iter().all(|headers| {
                headers.get("accept-encoding").is_none_or(|encoding| encoding == "identity")
            })
    );
}

const HOSTILE: &str = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31m\u{202e}txt.exe\u{2066}\r\0<script>";

fn is_harmless(shown: &str) {
    let steers = |c: char| {
        c.is_control() && c != '\n'
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    assert!(shown.contains("owned") && !shown.contains(steers), "{shown:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_servers_and_strangers_wrote_steers_the_terminal_of_no_command() {
    // An id in `henji usage` comes from outside.
    let bot = Bot::start().await;
    let hex = HOSTILE.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    bot.sql(&format!(
        "INSERT INTO usage (user, period, answers, tokens, told, updated_at)
         VALUES (CAST(x'{hex}' AS TEXT), date('now'), 1, 1, '', unixepoch() * 1000)"
    ));
    let operator = Operator::beside(&bot);
    for args in [&["usage"][..], &["usage", "--json"]] {
        is_harmless(&operator.runs(args).await.out);
    }
    // A server that `henji send` takes for `henji dev` returns hostile text, and the other commands get it as
    // arguments.
    let pushed = async || Json(json!({ "texts": [HOSTILE] }));
    let dev = Router::new().route(PATH, post(async || StatusCode::OK)).route(SENT, get(pushed));
    let url = host(dev).await + PATH;
    let sent =
        tokio::task::spawn_blocking(move || run(&["send", "--text", "hi", "--url", &url])).await.unwrap();
    is_harmless(&String::from_utf8(sent.stdout).unwrap());
    for args in [
        &[
            "send",
            "--text",
            "hi",
            "--url",
            HOSTILE.trim_matches(char::is_control).trim_end_matches("\0<script>"),
        ][..],
        &["send", "--file", "\u{1b}]0;owned\u{7}"],
        &["dev", "--replay", "\u{1b}]0;owned\u{7}"],
        &["dlq", "list", "--data", "\u{1b}]0;owned\u{7}"],
        &["usage", "--data", "\u{1b}]0;owned\u{7}"],
    ] {
        let said = run(args);
        assert!(!said.status.success());
        is_harmless(&String::from_utf8(said.stderr).unwrap());
    }
    // The webhook address that LINE returns is hostile.
    let world = World::with_endpoint(&format!("https://bot.example/{HOSTILE}")).await;
    let mut doctor = operator.command(&["doctor"]);
    doctor
        .envs(world.variables.clone())
        .env("OPEN_AI_API_KEY", "a-key")
        .env("LINE_CHANNEL_SECRET", "a-secret");
    let found = doctor.output().await.unwrap();
    is_harmless(&String::from_utf8(found.stdout).unwrap());
    drop(bot);
}
