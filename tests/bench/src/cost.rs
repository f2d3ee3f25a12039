//! The cost of a million messages on AWS: billed times and calls as measured here, and the prices that AWS publishes.
//! Everything outside the functions is instant except the model. The synchronous design for comparison is the one
//! function of the article from which Henji grew: it waits for the model itself.

use std::time::Duration;

use emulator::model::Model;

use crate::{
    aws::Aws,
    lambda::{Process, batch, request},
    runtime::Runtime,
    serve::{host, program},
};

/// Dollars in us-east-1, without free tiers, as of 2026-11 (aws.amazon.com: "AWS Lambda Pricing" for arm64,
/// "Amazon API Gateway Pricing" for HTTP APIs, "Amazon SQS Pricing" for FIFO queues, "Pricing for On-Demand
/// Capacity" of DynamoDB).
mod price {
    pub(super) const GB_SECOND: f64 = 0.000_013_333_4;
    pub(super) const INVOCATIONS: f64 = 0.20;
    pub(super) const HTTP_API: f64 = 1.00;
    pub(super) const SQS_FIFO: f64 = 0.50;
    pub(super) const WRITE_UNITS: f64 = 0.625;
    pub(super) const READ_UNITS: f64 = 0.125;
}

/// The memory of the functions as `cdk/` deploys them, in GB.
const INGRESS_GB: f64 = 0.125;
const WORKER_GB: f64 = 0.25;

/// DynamoDB's units of a turn whose rows are under a kilobyte and whose fifty past messages are 16 KB: the turn's row
/// begun and ended (2), five rows in one transaction (10), two of them in the index (2); a query of 16 KB (2), the
/// head and the user's usage in a consistent read (2).
const WRITE_UNITS: f64 = 14.0;
const READ_UNITS: f64 = 4.0;
/// The units of the article's function: two rows, each in the index too, and the query.
const SYNCHRONOUS_WRITE_UNITS: f64 = 4.0;
const SYNCHRONOUS_READ_UNITS: f64 = 2.0;

/// Returns the price of a million invocations of this length, in dollars.
fn billed(duration: Duration, gigabytes: f64) -> f64 {
    let seconds = (duration.as_secs_f64() * 1000.0).ceil() / 1000.0;
    price::INVOCATIONS + seconds * gigabytes * price::GB_SECOND * 1e6
}

/// Measures and prints; takes as long as the slowest model.
pub(crate) async fn measure() {
    let ingress = accept().await;
    let accepted = price::HTTP_API + billed(ingress, INGRESS_GB) + price::SQS_FIFO;
    println!("ingress: {:.2} ms, accepting costs ${accepted:.2} a million\n", ingress.as_secs_f64() * 1000.0);
    println!(
        "| model | batch | worker billed | SQS calls a message | dollars a million | one synchronous function |"
    );
    println!("|---|---|---|---|---|---|");
    let mut running = vec![];
    for seconds in [2, 30, 180] {
        for conversations in [1, 3, 10] {
            running.push((seconds, conversations, tokio::spawn(answer(seconds, conversations))));
        }
    }
    for (seconds, conversations, measured) in running {
        let (taken, queue_calls) = measured.await.expect("the worker is measured");
        let share = f64::from(conversations);
        // Lambda itself receives and deletes each batch.
        let sqs = (2.0 + queue_calls) / share;
        let dollars = accepted
            + billed(taken, WORKER_GB) / share
            + sqs * price::SQS_FIFO
            + WRITE_UNITS * price::WRITE_UNITS
            + READ_UNITS * price::READ_UNITS;
        let synchronous = price::HTTP_API
            + billed(Duration::from_secs(seconds), WORKER_GB)
            + SYNCHRONOUS_WRITE_UNITS * price::WRITE_UNITS
            + SYNCHRONOUS_READ_UNITS * price::READ_UNITS;
        println!(
            "| {seconds} s | {conversations} | {:.3} s | {sqs:.1} | {dollars:.0} | {synchronous:.0} |",
            taken.as_secs_f64()
        );
    }
}

/// Measures the time of the ingress for a warm webhook: the median.
async fn accept() -> Duration {
    let env = environment(Duration::ZERO, &Aws::default()).await;
    let mut runtime = Runtime::start().await;
    let process = Process::start(program("ingress"), "ingress", &env, &runtime.address);
    runtime.polled().await;
    let mut taken = vec![];
    for _ in 0..201 {
        taken.push(runtime.invoke(request(0)).await);
    }
    drop(process);
    taken.sort();
    taken[100]
}

/// Measures the time of a worker for a batch of this number of conversations with a model that takes these seconds,
/// and its calls of SQS.
async fn answer(seconds: u64, conversations: u32) -> (Duration, f64) {
    let aws = Aws::default();
    let env = environment(Duration::from_secs(seconds), &aws).await;
    let mut runtime = Runtime::start().await;
    let process = Process::start(program("worker"), "worker", &env, &runtime.address);
    runtime.polled().await;
    let users: Vec<String> = (0..conversations).map(|n| format!("U{n}")).collect();
    let taken = runtime.invoke(batch(&users)).await;
    drop(process);
    (taken, f64::from(aws.calls_to("AmazonSQS")))
}

async fn environment(thinking: Duration, aws: &Aws) -> Vec<(&'static str, String)> {
    let model = host(Model::new(thinking, |_| "an answer".to_owned()).router()).await;
    crate::lambda::environment(aws, model).await
}
