//! Instructions of fixed paths through the release programs, counted by valgrind's callgrind: unlike times, other
//! load does not change them. A path is measured from outside, as the difference between a run that takes it more
//! often and one that takes it less often, so that the deployed programs are counted.

use std::{path::Path, process::Command, time::Duration};

use emulator::model::Model;
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::sleep};

use crate::{
    accept::{post, request},
    aws::Aws,
    lambda::{Process, batch, delivery, environment},
    limits::grouped,
    runtime::Runtime,
    serve::{Serve, host, program},
};

/// A webhook from LINE's own SDK.
const WEBHOOK: &str = include_str!("../../fixtures/line-webhooks/go-split-00-message-text.json");
/// A message of a person.
const SAID: &str = "きょうは良い天気ですね。散歩に行きましょうか。";
/// An answer with much Markdown, which takes three messages.
const MARKDOWN: &str = "## 週末の予定 (plan)\n\n**土曜日**は*鎌倉*へ行きましょう。[地図](https://example.com/map?a=1)を見てください。\n\n\
    1. 朝 `07:30` に出発\n2. 大仏を見る\n   - 写真を撮る\n   - お守りを買う\n\n| 時間 | 場所 |\n|---|---|\n| 10:00 | 大仏 |\n\n\
    ```rust\nfn main() { println!(\"返事\"); }\n```\n\n> It will be sunny, **20 °C**. Don't forget your camera!\n\n";
/// The number of times that the longer run takes a path more often than the shorter one.
const TIMES: usize = 25;
/// The most repetitions of a run in which the function was so slow under valgrind that it read the secrets again.
const TRIES: usize = 5;

/// The count of a path.
pub(crate) struct Counted {
    pub(crate) path: &'static str,
    /// The instructions, or `None` if this machine is too slow to count a start.
    pub(crate) instructions: Option<u64>,
    /// The index of the bare function's count for comparison.
    beside: Option<usize>,
}

impl Counted {
    fn of_function(path: &'static str, counted: [Option<u64>; 3], which: usize) -> Self {
        Self { path, instructions: counted[which], beside: Some(which) }
    }
}

/// Counts all paths, under the names in the record. Of first events only that of the tokenizer is counted: on a slow
/// machine a start may use up its second for the Parameter Store under valgrind, and then the first event reads the
/// secret.
pub(crate) async fn count() -> Vec<Counted> {
    let aws = Aws::default();
    let env = functions_env(&aws, "an answer").await;
    let turn = || batch(&["U1".to_owned()]);
    let ingress = function("ingress", &aws, &env, || delivery(WEBHOOK)).await;
    let worker = function("worker", &aws, &env, turn).await;
    let past: Vec<_> = (0..50).map(|n| format!("{n}: {}", SAID.repeat(8))).collect();
    let remembering = Aws::remembering(&past);
    let mut small_context = functions_env(&remembering, "an answer").await;
    small_context.extend([("CONTEXT_TOKENS", "8192".to_owned()), ("MAX_TOKENS", "1024".to_owned())]);
    let long_past = function("worker", &remembering, &small_context, turn).await;
    let markdown = functions_env(&aws, &MARKDOWN.repeat(40)).await;
    let long_answer = function("worker", &aws, &markdown, turn).await;
    let of_serve = |path, instructions| Counted { path, instructions: Some(instructions), beside: None };
    vec![
        Counted::of_function("ingress: start until the first poll", ingress, 0),
        Counted::of_function("ingress: webhook", ingress, 2),
        Counted::of_function("worker: start until the first poll", worker, 0),
        Counted::of_function("worker: turn", worker, 2),
        Counted::of_function("worker: first turn whose prompt is to be cut", long_past, 1),
        Counted::of_function("worker: turn whose prompt is to be cut", long_past, 2),
        Counted::of_function("worker: turn with a long answer", long_answer, 2),
        of_serve("serve: webhook", serve(Duration::from_hours(1), 1).await),
        of_serve("serve: webhook and its turn", serve(Duration::ZERO, 100).await),
    ]
}

/// Counts and prints, beside the counts of a bare function.
#[expect(clippy::cast_precision_loss, reason = "a ratio")]
pub(crate) async fn print() {
    let bare = function("bare", &Aws::default(), &[], || json!({ "n": 1 })).await;
    let bare = bare.map(|count| count.expect("it reads no secrets"));
    println!("| path | instructions | times the bare function's |\n|---|---|---|");
    for (path, count) in ["start until the first poll", "first event", "event"].iter().zip(bare) {
        println!("| bare: {path} | {} | 1.0 |", grouped(&count));
    }
    for Counted { path, instructions, beside } in count().await {
        let Some(instructions) = instructions else { continue };
        let times = beside.map(|which| format!("{:.1}", instructions as f64 / bare[which] as f64));
        println!("| {path} | {} | {} |", grouped(&instructions), times.unwrap_or_default());
    }
}

async fn functions_env(aws: &Aws, answer: &str) -> Vec<(&'static str, String)> {
    let answer = answer.to_owned();
    let model = host(Model::new(Duration::ZERO, move |_| answer.clone()).router()).await;
    environment(aws, model).await
}

/// Counts a function's start until its first poll, its first invocation, and a later one.
async fn function(
    name: &str,
    aws: &Aws,
    env: &[(&str, String)],
    event: impl Fn() -> Value,
) -> [Option<u64>; 3] {
    let (mut totals, mut slow) = (vec![], vec![]);
    for times in [0, 1, 1 + TIMES] {
        for tries in 1.. {
            let before = aws.calls_to("AmazonSSM");
            let total = run(name, env, times, &event).await;
            // A read that misses its deadline under valgrind is repeated, and its instructions are counted twice.
            let is_read_again = aws.calls_to("AmazonSSM") > before + 1;
            if tries == TRIES || !is_read_again {
                totals.push(total);
                slow.push(is_read_again);
                break;
            }
        }
    }
    // The difference of two runs counts only what both have alike.
    let difference = |more: usize, less: usize| {
        (slow[more] == slow[less]).then(|| totals[more].saturating_sub(totals[less]))
    };
    let event = difference(2, 1).map(|events| events / TIMES as u64);
    [Some(totals[0]).filter(|_| !slow[0]), difference(1, 0), event]
}

/// Counts all instructions of a function that gets this number of events.
async fn run(name: &str, env: &[(&str, String)], times: usize, event: &impl Fn() -> Value) -> u64 {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut runtime = Runtime::start().await;
    let log = folder.path().join("log");
    let mut process = Process::start(callgrind(&log, name), name, env, &runtime.address);
    runtime.polled().await;
    for _ in 0..times {
        runtime.invoke(event()).await;
    }
    end(process.0.id(), || process.0.wait(), &log).await
}

/// Counts a webhook of `henji serve`, with its turn if the model answers.
async fn serve(think: Duration, concurrency: usize) -> u64 {
    // Webhooks alone are so short that the checkpoints of the WAL would show.
    let step = if think.is_zero() { TIMES } else { 5 * TIMES };
    let mut totals = vec![];
    for times in [step, 3 * step] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let log = folder.path().join("log");
        let mut command = callgrind(&log, "henji");
        // Each further thread would look for work when another has some.
        command.env("TOKIO_WORKER_THREADS", "1");
        let mut serve = Serve::start(command, &folder.path().join("data"), think, concurrency).await;
        let mut sent = serve.line.watch();
        let mut connection = TcpStream::connect(serve.address).await.expect("henji listens");
        for n in 1..=times {
            post(&mut connection, &request("U1")).await;
            if think.is_zero() {
                sent.wait_for(|sent| sent.len() == n).await.expect("LINE is there");
                // The work after a push must not share a commit with the next webhook in one run and not in another.
                sleep(Duration::from_millis(50)).await;
            }
        }
        totals.push(end(serve.child.id(), || serve.child.wait(), &log).await);
    }
    (totals[1] - totals[0]) / (2 * step) as u64
}

/// Makes a command for a release program under callgrind, which writes to `log` when it ends.
fn callgrind(log: &Path, name: &str) -> Command {
    let mut command = Command::new("valgrind");
    command
        .env_clear()
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(format!("--log-file={}", log.display()))
        .arg(program(name).get_program());
    command
}

/// Ends the process and returns its count.
async fn end<T>(pid: u32, wait: impl FnOnce() -> std::io::Result<T>, log: &Path) -> u64 {
    // The process needs this time to fall asleep in its poll.
    sleep(Duration::from_millis(200)).await;
    let told = Command::new("kill").args(["-TERM", &pid.to_string()]).status();
    assert!(told.is_ok_and(|status| status.success()), "it could not be ended");
    tokio::task::block_in_place(wait).expect("it ends");
    let log = std::fs::read_to_string(log).expect("valgrind wrote");
    let counted = log.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
    counted.unwrap_or_else(|| panic!("callgrind counted nothing:\n{log}"))
}
