//! Three thousand webhooks a second for a minute with a slow model, and SIGKILL every few seconds; twice on the same
//! data. The run counts the answers, of which none may be lost, and measures sizes that must not grow.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use tokio::{net::TcpStream, task::JoinSet, time::sleep};

use crate::{
    accept::{is_taken, request},
    serve::{Serve, program},
};

const PER_SECOND: u32 = 3_000;
const SECONDS: u32 = 60;
const CONNECTIONS: u32 = 32;
const USERS: usize = 10_000;
const KILLED_EVERY: Duration = Duration::from_secs(5);
const THINKS: Duration = Duration::from_secs(2);
const CONCURRENCY: usize = 2_000;
const MIB: f64 = 1_048_576.0;

/// Measures and prints; takes some minutes.
#[expect(clippy::cast_precision_loss, reason = "counts and sizes")]
pub(crate) async fn measure(data: &Path) {
    let mut serve = Serve::start(program("henji"), data, THINKS, CONCURRENCY).await;
    println!(
        "| run | webhooks taken | a second | kills | answered | peak memory, first and last third | WAL at most | database | of it free |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut answered_before = 0;
    for run in 1..=2 {
        serve.model.set_think_time(THINKS);
        let (seconds, memory, wal) = rages(&mut serve, data).await;
        // The waiting jobs are answered faster from here on, only to shorten the measurement.
        serve.model.set_think_time(Duration::ZERO);
        let taken = (PER_SECOND * SECONDS) as usize;
        is_answered(&serve, data, answered_before + taken).await;
        let answered = serve.line.sent().len() - answered_before;
        answered_before += answered;
        let third = memory.len() / 3;
        let peak = |of: &[f64]| of.iter().copied().fold(0.0, f64::max);
        let (first, last) = (peak(&memory[..third]), peak(&memory[memory.len() - third..]));
        let (size, free) = pages(data);
        println!(
            "| {run} | {taken} | {:.0} | {} | {answered} | {first:.0} MiB, {last:.0} MiB | {wal:.0} MiB | {size:.0} MiB | {free:.0} MiB |",
            taken as f64 / seconds,
            memory.len(),
        );
    }
}

/// Returns the time that it took, the peak memory of each process, and the largest write-ahead log in MiB.
#[expect(clippy::cast_precision_loss, reason = "a size")]
async fn rages(serve: &mut Serve, data: &Path) -> (f64, Vec<f64>, f64) {
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for client in 0..CONNECTIONS {
        clients.spawn(posts(serve.address, client, began));
    }
    let (mut memory, mut wal) = (vec![], 0.0_f64);
    while !clients.is_empty() {
        let life = Instant::now();
        while life.elapsed() < KILLED_EVERY {
            sleep(Duration::from_millis(100)).await;
            let log = std::fs::metadata(data.join("henji.db-wal")).map_or(0, |it| it.len());
            wal = wal.max(log as f64 / MIB);
            while clients.try_join_next().is_some() {}
        }
        memory.push(serve.peak_mib());
        serve.is_killed().await;
    }
    (began.elapsed().as_secs_f64(), memory, wal)
}

/// Posts one connection's share of the rate. A webhook without a 200 is delivered again, as LINE does.
async fn posts(address: std::net::SocketAddr, client: u32, began: Instant) {
    let mut connection = TcpStream::connect(address).await.ok();
    for number in (client..PER_SECOND * SECONDS).step_by(CONNECTIONS as usize) {
        let due = began + Duration::from_secs(1) * number / PER_SECOND;
        sleep(due.saturating_duration_since(Instant::now())).await;
        let request = request(&format!("U{}", fastrand::usize(..USERS)));
        loop {
            if let Some(open) = &mut connection
                && is_taken(open, &request).await.unwrap_or(false)
            {
                break;
            }
            sleep(Duration::from_millis(50)).await;
            connection = TcpStream::connect(address).await.ok();
        }
    }
}

/// Waits until all accepted webhooks are answered, and no job is left.
async fn is_answered(serve: &Serve, data: &Path, expected: usize) {
    let mut sent = serve.line.watch();
    let all = sent.wait_for(|all| all.len() >= expected);
    drop(tokio::time::timeout(Duration::from_mins(20), all).await.expect("some were lost"));
    let db = rusqlite::Connection::open(data.join("henji.db")).expect("a database");
    let jobs = || db.query_row("SELECT count(*) FROM jobs", [], |row| row.get::<_, i64>(0));
    while jobs().expect("it can be read") > 0 {
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(serve.line.sent().len(), expected, "some were answered twice");
}

/// Returns the size of the database, and the free part of it, in MiB.
#[expect(clippy::cast_precision_loss, reason = "sizes")]
fn pages(data: &Path) -> (f64, f64) {
    let db = rusqlite::Connection::open(data.join("henji.db")).expect("a database");
    let of = |pragma| db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).expect("a number");
    let mib = |pages: i64| (pages * of("page_size")) as f64 / MIB;
    (mib(of("page_count")), mib(of("freelist_count")))
}
