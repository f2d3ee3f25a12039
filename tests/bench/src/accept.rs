//! The number of webhooks a second that become durable, and the time that LINE waits for the 200.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::serve::{Serve, program};

pub(crate) const SECRET: &str = "a channel secret";
const USERS: usize = 500;

/// The measurements of one run.
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    latencies: Vec<Duration>,
}

impl Measured {
    pub(crate) fn quantile_ms(&self, q: f64) -> f64 {
        quantile_ms(&self.latencies, q)
    }
}

/// Returns the quantile of sorted durations, in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index"
)]
pub(crate) fn quantile_ms(sorted: &[Duration], q: f64) -> f64 {
    let index = ((sorted.len() - 1) as f64 * q) as usize;
    sorted[index].as_secs_f64() * 1000.0
}

/// Makes a webhook as LINE writes it, with a new event.
pub(crate) fn webhook(user: &str) -> String {
    cli::commands::send::webhook_of("Hello, world. How are you today?", user).to_string()
}

/// Makes the whole HTTP request of such a webhook.
pub(crate) fn request(user: &str) -> Vec<u8> {
    let body = webhook(user);
    let signature = ingress::signature::sign(&SECRET.into(), body.as_bytes());
    let path = local::listeners::webhooks::WEBHOOK_PATH;
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: henji\r\nx-line-signature: {signature}\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Posts as fast as each of `connections` gets its answers. The model does not answer meanwhile.
#[expect(clippy::cast_precision_loss, reason = "a count of requests")]
pub(crate) async fn measure(data: &Path, connections: usize, for_: Duration) -> Measured {
    let serve = Serve::start(program("henji"), data, Duration::from_hours(1), 100).await;
    let mut clients = JoinSet::new();
    let started = Instant::now();
    for _ in 0..connections {
        clients.spawn(client(serve.address, started + for_));
    }
    let mut latencies: Vec<Duration> = clients.join_all().await.into_iter().flatten().collect();
    let elapsed = started.elapsed();
    latencies.sort();
    Measured { per_second: latencies.len() as f64 / elapsed.as_secs_f64(), latencies }
}

async fn client(address: SocketAddr, until: Instant) -> Vec<Duration> {
    let mut connection = TcpStream::connect(address).await.expect("henji listens");
    connection.set_nodelay(true).expect("a TCP option");
    let mut latencies = vec![];
    while Instant::now() < until {
        let request = request(&format!("U{}", fastrand::usize(..USERS)));
        let sent = Instant::now();
        post(&mut connection, &request).await;
        latencies.push(sent.elapsed());
    }
    latencies
}

/// Writes a request and reads its response, which must be a 200 without a body.
pub(crate) async fn post(connection: &mut TcpStream, request: &[u8]) {
    assert!(is_taken(connection, request).await.expect("henji answers"), "not a 200");
}

/// Writes a request and returns whether its response is such a 200; it may be another response, or none.
pub(crate) async fn is_taken(connection: &mut TcpStream, request: &[u8]) -> std::io::Result<bool> {
    connection.write_all(request).await?;
    let mut response = [0; 1024];
    let mut length = 0;
    while !response[..length].ends_with(b"\r\n\r\n") {
        let read = connection.read(&mut response[length..]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        length += read;
    }
    Ok(response.starts_with(b"HTTP/1.1 200"))
}
