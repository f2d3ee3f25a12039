//! Benchmarks of the release programs on this machine: their results beside the limits of the machine or beside a
//! bare program, in one run, because machines are noisy and only ratios carry over.
#![expect(clippy::expect_used, reason = "a benchmark that cannot run ends")]

use std::{process::ExitCode, time::Duration};

use limits::grouped;

mod accept;
mod aws;
mod cost;
mod full;
mod gate;
mod images;
mod instructions;
mod lambda;
mod limits;
mod runtime;
mod serve;
mod storm;
mod waiting;

#[tokio::main]
async fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => serve().await,
        Some("load") => load().await,
        Some("lambda") => {
            lambda::measure().await;
            ExitCode::SUCCESS
        }
        Some("images") => {
            images::measure().await;
            ExitCode::SUCCESS
        }
        Some("cost") => {
            cost::measure().await;
            ExitCode::SUCCESS
        }
        Some("instructions") => {
            instructions::print().await;
            ExitCode::SUCCESS
        }
        Some("gate") => gate::check().await,
        Some("record") => gate::renew().await,
        _ => {
            eprintln!(
                "usage: tests/bench/run all|serve|load|lambda|images|cost|instructions, tests/bench/gate [record]"
            );
            ExitCode::from(2)
        }
    }
}

/// Makes a folder on this disk, because a folder in memory would give other results.
fn folder() -> tempfile::TempDir {
    tempfile::TempDir::new_in(".").expect("a folder to work in")
}

async fn load() -> ExitCode {
    // Each conversation in flight is a connection to the model.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let folder = folder();
    waiting::measure(&folder.path().join("waiting"), 10_000, Duration::from_secs(30)).await;
    println!();
    storm::measure(&folder.path().join("storm")).await;
    println!();
    full::measure(folder.path()).await;
    ExitCode::SUCCESS
}

async fn serve() -> ExitCode {
    let seconds = Duration::from_secs(5);
    let folder = folder();
    let fsyncs = limits::fsyncs_per_second(folder.path(), seconds);
    let hmacs = limits::hmacs_per_second(seconds);
    let round_trips = limits::round_trips_per_second(seconds);
    println!("| limit of this machine | per second |\n|---|---|");
    println!("| fdatasync after 4 KiB, one after another | {} |", grouped(&format_args!("{fsyncs:.0}")));
    println!("| HMAC-SHA256 of one webhook, one core | {} |", grouped(&format_args!("{hmacs:.0}")));
    println!(
        "| round trip over loopback, one after another | {} |\n",
        grouped(&format_args!("{round_trips:.0}"))
    );

    let floor_ms = 1000.0 * (1.0 / fsyncs + 1.0 / hmacs + 1.0 / round_trips);
    println!(
        "| connections | durable webhooks/s | p50 of the 200 | p99 | p50, times one of each | per fdatasync | of one core's HMACs |"
    );
    println!("|---|---|---|---|---|---|---|");
    for connections in [1, 8, 64] {
        let data = folder.path().join(format!("accept-{connections}"));
        let measured = accept::measure(&data, connections, seconds).await;
        let rate = measured.per_second;
        let (p50, p99) = (measured.quantile_ms(0.5), measured.quantile_ms(0.99));
        println!(
            "| {connections} | {} | {p50:.2} ms | {p99:.2} ms | {:.1} | {:.2} | {:.4} |",
            grouped(&format_args!("{rate:.0}")),
            p50 / floor_ms,
            rate / fsyncs,
            rate / hmacs
        );
    }
    println!();
    waiting::measure(&folder.path().join("waiting"), 2_000, Duration::from_secs(5)).await;
    ExitCode::SUCCESS
}
