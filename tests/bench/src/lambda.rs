//! The Lambda functions, with everything outside instant: emulators of the Runtime API, AWS, LINE and the model on
//! loopback. The rest is the functions' own start, latency, CPU and memory, beside those of a bare function in the
//! same run.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use emulator::{line::Line, model::Model};
use serde_json::{Value, json};

use crate::{
    accept::{SECRET, quantile_ms, webhook},
    aws::Aws,
    limits::round_trips_per_second,
    runtime::Runtime,
    serve::{host, program},
};

/// The number of starts that are measured.
const STARTS: usize = 20;
/// The number of warm invocations that are measured.
const TURNS: usize = 1_000;

/// The calls of a worker's turn that wait for one another: begin, load, ask, store, push, end. Its other calls run
/// beside these (docs/benchmarks.md draws them).
const WORKER_STEPS: f64 = 6.0;

/// The measurements of one function.
struct Measured {
    start: Duration,
    first: Duration,
    warm: Vec<Duration>,
    cpu_per_turn: Duration,
    peak_mib: f64,
    size_mib: f64,
    calls_per_turn: f64,
}

/// Measures the three functions and prints the results.
pub(crate) async fn measure() {
    let aws = Aws::default();
    let model = host(Model::new(Duration::ZERO, |_| "an answer".to_owned()).router()).await;
    let env = environment(&aws, model).await;
    let bare = function("bare", &env, &aws, |n| json!({ "n": n })).await;
    let ingress = function("ingress", &env, &aws, request).await;
    let worker = function("worker", &env, &aws, |_| batch(&["U1".to_owned()])).await;

    println!(
        "| function | exec to first poll | first turn | warm p50 | warm p99 | CPU a turn | peak memory | size | AWS calls a turn |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (name, m) in [("bare", &bare), ("ingress", &ingress), ("worker", &worker)] {
        println!(
            "| {name} | {:.1} ms | {:.1} ms | {:.2} ms | {:.2} ms | {:.2} ms | {:.1} MiB | {:.1} MiB | {:.0} |",
            ms(m.start),
            ms(m.first),
            quantile_ms(&m.warm, 0.5),
            quantile_ms(&m.warm, 0.99),
            ms(m.cpu_per_turn),
            m.peak_mib,
            m.size_mib,
            m.calls_per_turn,
        );
    }
    let round_trip = 1000.0 / round_trips_per_second(Duration::from_secs(5));
    println!("\nOne round trip over loopback: {round_trip:.3} ms.\n");
    println!(
        "| times the bare one | exec to first poll | warm p50 | CPU a turn | calls one after another | warm p50, times the bare one's and these calls' round trips |"
    );
    println!("|---|---|---|---|---|---|");
    for (name, m, calls) in [("ingress", &ingress, 1.0), ("worker", &worker, WORKER_STEPS)] {
        let start = ms(m.start) / ms(bare.start);
        let warm = quantile_ms(&m.warm, 0.5) / quantile_ms(&bare.warm, 0.5);
        let cpu = ms(m.cpu_per_turn) / ms(bare.cpu_per_turn);
        let floor = quantile_ms(&bare.warm, 0.5) + calls * round_trip;
        let over = quantile_ms(&m.warm, 0.5) / floor;
        println!("| {name} | {start:.1} | {warm:.1} | {cpu:.1} | {calls} | {over:.1} |");
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Returns the environment variables of a function, with the addresses of the emulators.
pub(crate) async fn environment(aws: &Aws, model: String) -> Vec<(&'static str, String)> {
    let aws = host(aws.router()).await;
    vec![
        ("AWS_ENDPOINT_URL", aws.clone()),
        ("QUEUE_URL", format!("{aws}/1/jobs.fifo")),
        ("DLQ_URL", format!("{aws}/1/dead.fifo")),
        ("LINE_API_BASE_URL", host(Line::new().router()).await),
        ("OPENAI_BASE_URL", format!("{model}/v1")),
    ]
}

/// Makes an HTTP API event with a webhook of a new event.
pub(crate) fn request(_: usize) -> Value {
    delivery(&webhook("U1"))
}

/// Makes an HTTP API event with this webhook.
pub(crate) fn delivery(body: &str) -> Value {
    let signature = ingress::signature::sign(&SECRET.into(), body.as_bytes());
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": local::listeners::webhooks::WEBHOOK_PATH, "rawQueryString": "",
        "headers": { "x-line-signature": signature, "content-type": "application/json; charset=utf-8" },
        "requestContext": { "http": { "method": "POST", "path": local::listeners::webhooks::WEBHOOK_PATH }, "timeEpoch": 0 },
        "body": body, "isBase64Encoded": false,
    })
}

/// Makes an SQS event with a job of a new event for each of these users.
pub(crate) fn batch(users: &[String]) -> Value {
    batch_of(&users.iter().map(|user| webhook(user)).collect::<Vec<_>>())
}

/// Makes an SQS event with the jobs of these webhooks, which were accepted long ago.
pub(crate) fn batch_of(webhooks: &[String]) -> Value {
    let verdicts = webhooks
        .iter()
        .flat_map(|webhook| ingress::webhook::parse(webhook.as_bytes(), None, 0).expect("it is a webhook"));
    let records = verdicts.map(|verdict| {
        let ingress::webhook::Verdict::Job(job) = verdict else { panic!("it is a question") };
        json!({
            "messageId": job.event_id.as_str(), "receiptHandle": job.event_id.as_str(), "body": job.encode(),
            "attributes": { "MessageGroupId": job.group(), "ApproximateReceiveCount": "1" }, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:x:1:jobs.fifo", "awsRegion": "x",
        })
    });
    json!({ "Records": records.collect::<Vec<_>>() })
}

async fn function(name: &str, env: &[(&str, String)], aws: &Aws, event: impl Fn(usize) -> Value) -> Measured {
    let mut starts = vec![];
    for _ in 0..STARTS {
        let mut runtime = Runtime::start().await;
        let started = Instant::now();
        let process = Process::start(program(name), name, env, &runtime.address);
        runtime.polled().await;
        starts.push(started.elapsed());
        drop(process);
    }
    starts.sort();

    let mut runtime = Runtime::start().await;
    let process = Process::start(program(name), name, env, &runtime.address);
    runtime.polled().await;
    let first = runtime.invoke(event(0)).await;
    let (calls, cpu) = (aws.calls(), process.cpu());
    let mut warm = vec![];
    for n in 1..=TURNS {
        warm.push(runtime.invoke(event(n)).await);
    }
    let turns = u32::try_from(TURNS).unwrap_or(u32::MAX);
    let measured = Measured {
        start: starts[STARTS / 2],
        first,
        cpu_per_turn: process.cpu().saturating_sub(cpu) / turns,
        calls_per_turn: f64::from(aws.calls() - calls) / f64::from(turns),
        peak_mib: crate::serve::peak_mib(process.0.id()),
        size_mib: process.size_mib(),
        warm: {
            warm.sort();
            warm
        },
    };
    drop(process);
    measured
}

/// A function's process, which is killed when this value is dropped.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    /// Starts the function that `command` runs.
    pub(crate) fn start(mut command: Command, name: &str, env: &[(&str, String)], runtime: &str) -> Self {
        let child = command
            .envs(env.iter().cloned())
            .env("AWS_LAMBDA_RUNTIME_API", runtime)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "bench")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
            .env("AWS_REGION", "ap-northeast-1")
            .env("AWS_ACCESS_KEY_ID", "key")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("BASE_SECRET_PATH", "/bench/")
            .stdout(Stdio::null())
            .spawn()
            .expect("tests/bench/run builds the functions");
        Self(child)
    }

    /// Returns the processor time so far, of all threads: the scheduler's own count in nanoseconds (the kernel's
    /// Documentation/scheduler/sched-stats), because ticks of a hundredth of a second miss short work.
    fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.0.id())).into_iter().flatten().flatten();
        let ran = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("schedstat")).ok();
        let nanos = |stat: String| stat.split(' ').next()?.parse::<u64>().ok();
        Duration::from_nanos(tasks.filter_map(ran).filter_map(nanos).sum())
    }

    #[expect(clippy::cast_precision_loss, reason = "a file's size")]
    fn size_mib(&self) -> f64 {
        let program = format!("/proc/{}/exe", self.0.id());
        std::fs::metadata(program).map_or(f64::NAN, |file| file.len() as f64 / f64::from(1 << 20))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
