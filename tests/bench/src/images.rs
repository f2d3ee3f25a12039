//! The peak memory of the worker's function with a batch of ten jobs of images.

use std::time::Duration;

use emulator::{
    line::{Line, phone, said},
    model::Model,
};
use serde_json::{Value, json};

use crate::{
    aws::Aws,
    lambda::{Process, batch, batch_of, environment},
    runtime::Runtime,
    serve::{host, peak_mib, program},
};

/// The number of jobs in a batch: as many as SQS delivers at once.
const JOBS: usize = 10;
/// The size of the largest image that LINE delivers, in bytes.
const LARGEST: usize = 10_000_000;

/// Measures the batches and prints the results.
pub(crate) async fn measure() {
    println!("| batch of ten jobs | images that the model got | peak memory |\n|---|---|---|");
    let users: Vec<String> = (0..JOBS).map(|n| format!("U{n}")).collect();
    peak("texts of ten people", |_| batch(&users)).await;
    for (what, bytes) in [("images of ten people, 1 MB each", 1_000_000), ("the same, 10 MB each", LARGEST)] {
        peak(what, |line| {
            batch_of(&users.iter().map(|user| webhook(user, images(line, 1, bytes))).collect::<Vec<_>>())
        })
        .await;
    }
    for (what, bytes) in [("a set of ten images, 1 MB each", 1_000_000), ("the same, 10 MB each", LARGEST)] {
        peak(what, |line| batch_of(&[webhook("U1", images(line, JOBS, bytes))])).await;
    }
}

/// Makes so many images of one set, each of this size.
fn images(line: &Line, count: usize, bytes: usize) -> Vec<Value> {
    let image = [&[0xff, 0xd8, 0xff][..], &vec![7; bytes - 5], &[0xff, 0xd9]].concat();
    said::image_set(
        (0..count).map(|_| said::image(&line.holds("image/jpeg", image.clone().into()))).collect(),
    )
}

fn webhook(user: &str, messages: Vec<Value>) -> String {
    let now = (worker::clock::wall_clock())();
    let events = messages.into_iter().map(|message| phone::message_event(message, user, now));
    json!({ "destination": phone::BOT, "events": events.collect::<Vec<_>>() }).to_string()
}

/// Gives a new function one batch, and prints its peak memory.
async fn peak(what: &str, event: impl Fn(&Line) -> Value) {
    let (aws, line) = (Aws::default(), Line::new());
    // The model thinks long enough that all questions which have room hold their images at once.
    let model = Model::new(Duration::from_millis(500), |_| "an answer".to_owned());
    let mut env = environment(&aws, host(model.clone().router()).await).await;
    let line_url = host(line.clone().router()).await;
    env.extend([("LINE_API_BASE_URL", line_url.clone()), ("LINE_DATA_API_BASE_URL", line_url)]);
    env.push(("GPT_MODEL", "gpt-4o".to_owned()));
    let mut runtime = Runtime::start().await;
    let process = Process::start(program("worker"), "worker", &env, &runtime.address);
    runtime.polled().await;
    runtime.invoke(event(&line)).await;
    let seen = |body: &Value| body.to_string().matches("data:image/").count();
    let seen: usize = model.asked().iter().map(|asked| seen(&asked.body)).sum();
    println!("| {what} | {seen} | {:.1} MiB |", peak_mib(process.0.id()));
}
