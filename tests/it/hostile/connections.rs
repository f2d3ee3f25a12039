//! Strangers attack the listener's connection limit and its memory by connections alone.

use std::sync::atomic::AtomicBool;

use futures_util::future::join_all;
use ingress::signature::sign;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use super::*;
use crate::harness::local::SECRET;

const NOTHING: &str = r#"{"events":[]}"#;

/// Starts `henji serve` with no message to answer.
async fn serve() -> (TempDir, Serve) {
    let folder = TempDir::new().unwrap();
    let nobody = "http://127.0.0.1:1";
    let serve = Serve::start(&folder.path().join("data"), &variables(nobody, nobody)).await;
    (folder, serve)
}

fn request(method: &str, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

/// Makes a webhook as LINE posts it.
fn signed(body: &str) -> String {
    let signature = sign(&SECRET.into(), body.as_bytes());
    request("POST", PATH, &format!("x-line-signature: {signature}\r\n"), body)
}

/// Returns the statuses of the answers to these bytes until the listener closes the connection.
fn answered(origin: &str, bytes: &str) -> Vec<u16> {
    let mut client = connects(origin);
    client.write_all(bytes.as_bytes()).unwrap();
    let mut answer = vec![];
    let _ = client.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    answer.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_kept_for_whoever_sends_webhooks_that_are_accepted_and_closed_for_all_others() {
    let bot = Bot::start().await;
    let unsigned = request("POST", PATH, "", NOTHING);
    let last = signed(NOTHING).replace("Host: x", "Connection: close");
    for (why, requests, expected) in [
        ("webhooks", signed(NOTHING).repeat(3) + &last, &[200, 200, 200, 200][..]),
        ("what LINE did not sign", unsigned.repeat(3), &[401]),
        ("what is no webhook", signed("{}").repeat(3), &[400]),
        ("other paths", request("POST", "/", "", "").repeat(3), &[404]),
        ("other methods", request("PUT", PATH, "", "").repeat(3), &[405]),
        ("what is the operator's", request("GET", "/healthz", "", "").repeat(3), &[404]),
        ("heads of it", request("HEAD", "/healthz", "", "").repeat(3), &[404]),
        ("a stranger behind LINE", signed(NOTHING) + &unsigned.repeat(3), &[200, 401]),
    ] {
        let origin = bot.origin.clone();
        let said = tokio::task::spawn_blocking(move || answered(&origin, &requests)).await.unwrap();
        assert_eq!(said, expected, "{why}");
    }
}

/// Connects a client whose kernel has a small receive buffer.
async fn small(origin: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // The kernel raises it to its minimum.
    socket.set_recv_buffer_size(1).unwrap();
    socket.connect(origin.strip_prefix("http://").unwrap().parse().unwrap()).await.unwrap()
}

/// Sends webhooks without end and reads no answer, until the listener closes the connection.
async fn never_reads(origin: String) {
    let mut client = small(&origin).await;
    let webhooks = signed(NOTHING).repeat(50);
    while client.write_all(webhooks.as_bytes()).await.is_ok() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_never_read_their_answers_are_cut_off_and_hold_no_memory_till_then() {
    let (_folder, serve) = serve().await;
    let (http, before) = (worker::adapters::http::client().unwrap(), peak(serve.pid()));
    let readers = join_all((0..2).map(|_| tokio::spawn(never_reads(serve.origin.clone()))));
    let readers = tokio::spawn(timeout(Duration::from_mins(2), readers));
    while !readers.is_finished() {
        assert_eq!(serve.posts(&http, NOTHING).await, Some(200), "within LINE's patience");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(readers.await.unwrap().is_ok(), "they hold their places");
    let grown = peak(serve.pid()) - before;
    assert!(grown < 16, "what was answered waits in the kernel alone: {grown} MiB");
    assert_eq!(serve.terminate(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_late_finds_every_answer() {
    let (_folder, serve) = serve().await;
    let (mut reading, mut writing) = small(&serve.origin).await.into_split();
    let (sent, is_enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn({
        let (sent, is_enough) = (sent.clone(), is_enough.clone());
        async move {
            while !is_enough.load(Relaxed) {
                writing.write_all(signed(NOTHING).as_bytes()).await.unwrap();
                sent.fetch_add(1, Relaxed);
            }
            let last = signed(NOTHING).replace("Host: x", "Connection: close");
            writing.write_all(last.as_bytes()).await.unwrap();
            // The return value keeps the connection open: a drop would close it and lose its answers.
            writing
        }
    });
    // The loop ends when the listener reads no more, because its answers wait for the reader.
    let is_stuck = async || {
        let before = sent.load(Relaxed);
        tokio::time::sleep(Duration::from_millis(500)).await;
        sent.load(Relaxed) == before
    };
    timeout(Duration::from_mins(2), async { while !is_stuck().await {} }).await.expect("it takes on and on");
    is_enough.store(true, Relaxed);
    let mut answers = String::new();
    timeout(Duration::from_mins(1), reading.read_to_string(&mut answers)).await.unwrap().unwrap();
    drop(writer.await.unwrap());
    assert_eq!(answers.matches("HTTP/1.1 200").count() as u64, sent.load(Relaxed) + 1);
    assert_eq!(serve.terminate(), 0);
}

/// Connects and sends an endless head of this size, as much of it as the listener reads.
fn begins(origin: &str, size: usize) -> std::net::TcpStream {
    let mut head = request("POST", PATH, "", "").trim_end().to_owned() + "\r\n";
    while head.len() + 1_000 < size {
        head = head + "x: " + &"y".repeat(900) + "\r\n";
    }
    head += &"z".repeat(size - head.len());
    let mut client = connects(origin);
    client.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let _ = client.write_all(head.as_bytes());
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_never_end_take_little_memory_however_large_they_are() {
    const EACH: usize = 400;
    let (_folder, serve) = serve().await;
    let before = memory_kib(serve.pid(), "VmHWM");
    let origin = serve.origin.clone();
    let heads = tokio::task::spawn_blocking(move || {
        // The largest heads that the listener waits for, and larger ones.
        let sizes = [8_000, 400_000].into_iter().flat_map(|size| [size; EACH]);
        sizes.map(|size| begins(&origin, size)).collect::<Vec<_>>()
    });
    let heads = heads.await.unwrap();
    let each = (memory_kib(serve.pid(), "VmHWM") - before) / heads.len() as u64;
    println!("a head that does not end takes {each} KiB");
    assert!(each < 32, "{each} KiB");
    let http = worker::adapters::http::client().unwrap();
    assert_eq!(serve.posts(&http, NOTHING).await, Some(200));
    drop(heads);
    assert_eq!(serve.terminate(), 0);
}
