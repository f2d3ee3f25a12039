//! Many conversations in flight on a slow model: memory, added latency, no loss.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use tokio::net::TcpStream;

use crate::{
    accept::{post, quantile_ms, request},
    limits::grouped,
    serve::{Serve, program},
};

/// Asks for this number of users at once and prints the result.
pub(crate) async fn measure(data: &Path, users: usize, think: Duration) {
    let serve = Serve::start(program("henji"), data, think, users).await;
    let idle_mib = serve.peak_mib();
    let mut sent = serve.line.watch();
    let seen = tokio::spawn(async move {
        let (mut seen, mut looked_at) = (HashMap::new(), 0);
        while seen.len() < users {
            let _ = tokio::time::timeout(Duration::from_mins(2), sent.changed()).await.expect("one was lost");
            let sent = sent.borrow_and_update();
            for push in &sent[looked_at..] {
                seen.entry(push.to.clone()).or_insert_with(Instant::now);
            }
            looked_at = sent.len();
        }
        seen
    });
    let mut connection = TcpStream::connect(serve.address).await.expect("henji listens");
    let mut asked = HashMap::new();
    for user in 0..users {
        let user = format!("U{user}");
        post(&mut connection, &request(&user)).await;
        asked.insert(user, Instant::now());
    }
    let seen = seen.await.expect("none was lost");
    let mut added: Vec<Duration> =
        seen.iter().map(|(user, at)| at.duration_since(asked[user]).saturating_sub(think)).collect();
    added.sort();
    let pushes = serve.line.sent().len();
    println!(
        "| conversations in flight | model | answered | pushed | added p50 | added p99 | peak memory | idle |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    println!(
        "| {} | {} s | {} | {} | {:.0} ms | {:.0} ms | {:.0} MiB | {idle_mib:.0} MiB |",
        grouped(&users),
        think.as_secs(),
        grouped(&seen.len()),
        grouped(&pushes),
        quantile_ms(&added, 0.5),
        quantile_ms(&added, 0.99),
        serve.peak_mib(),
    );
}
