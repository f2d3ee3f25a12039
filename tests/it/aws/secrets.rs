//! Secrets that are rotated, and a Parameter Store that throttles.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::{Next, from_fn},
    response::IntoResponse,
};
use emulator::{
    line::{Line, PUSH},
    model::Model,
};
use futures_util::future::join_all;
use ingress::signature;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{FIXTURE, text};
use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment, error},
    bot::{Bot, INGRESS_TIME, host, payload_1, sign},
    cloud::Cloud,
    functions::Lambda,
};

/// Makes a server that refuses this key or token.
fn refusing(router: Router, stale: &'static str) -> Router {
    router.layer(from_fn(async move |request: Request, next: Next| {
        let shown = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        if shown == Some(stale) {
            let refusal = json!({ "message": "on purpose", "error": { "code": "invalid_api_key" } });
            return (StatusCode::UNAUTHORIZED, refusal.to_string()).into_response();
        }
        next.run(request).await
    }))
}

fn is_read(call: &str) -> bool {
    call.starts_with("GetParameter")
}

#[tokio::test]
async fn a_batch_of_ten_conversations_outlives_the_rotation_of_both_secrets_by_one_read_of_each() {
    let (line, model) = (Line::new(), Model::new(Duration::ZERO, |_| "an answer".to_owned()));
    let line_url = host(refusing(line.clone().router(), "Bearer an-access-token")).await;
    let model_url = host(refusing(model.clone().router(), "Bearer an-api-key")).await + "/v1";
    let store = AwsProxy::start(|_, _| Treatment::Forward).await;
    let bot = Bot::quiet(&[
        ("AWS_ENDPOINT_URL_SSM", &store.url),
        ("LINE_API_BASE_URL", &line_url),
        ("OPENAI_BASE_URL", &model_url),
    ])
    .await;
    for user in 0..10 {
        bot.hears_from(&format!("U{user}"), "hi").await;
    }
    // The worker reads both secrets. Then LINE and the model refuse them, so the worker reads LINE's token again, and
    // only then the story stores new ones.
    assert_eq!(
        bot.worker.invoke(json!({ "Records": [] }), INGRESS_TIME).await.unwrap()["batchItemFailures"],
        json!([])
    );
    assert_eq!(store.calls("GetParameters"), 1, "both by one call");
    bot.cloud.rotates("LINE_CHANNEL_ACCESS_TOKEN", "a-newer-token").await;
    bot.cloud.rotates("OPEN_AI_API_KEY", "a-newer-key").await;
    let reads = store.calls("GetParameter");
    let (_, failures) = bot.works_on_a_batch(10, Duration::from_secs(20)).await;
    assert_eq!((failures, line.sent().len()), (json!([]), 10));
    assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 0, "no letters");
    assert_eq!(store.calls("GetParameter") - reads, 2, "one read of each serves all");
    assert!(model.asked().iter().all(|seen| seen.headers["authorization"] == "Bearer a-newer-key"));
    assert_eq!(line.faults.seen(PUSH).len(), 10);
}

#[tokio::test]
async fn a_key_that_is_still_current_is_refused_for_good_and_read_again_once_for_all() {
    let (line, model) = (Line::new(), Model::new(Duration::ZERO, |_| "an answer".to_owned()));
    let line_url = host(line.clone().router()).await;
    let model_url = host(refusing(model.clone().router(), "Bearer an-api-key")).await + "/v1";
    let store = AwsProxy::start(|_, _| Treatment::Forward).await;
    let bot = Bot::quiet(&[
        ("AWS_ENDPOINT_URL_SSM", &store.url),
        ("LINE_API_BASE_URL", &line_url),
        ("OPENAI_BASE_URL", &model_url),
    ])
    .await;
    for user in 0..3 {
        bot.hears_from(&format!("U{user}"), "hi").await;
    }
    let (_, failures) = bot.works_on_a_batch(3, Duration::from_secs(20)).await;
    assert_eq!((failures, bot.cloud.letters(3).await.len()), (json!([]), 3));
    assert!(line.sent().iter().all(|sent| sent.texts[0].starts_with("Sorry")));
    // The first read is the ingress's.
    assert_eq!((store.calls("GetParameter"), store.calls("GetParameters")), (2, 1));
}

/// Runs a worker whose store fails at its start, or while it reads a rotated key.
async fn tries_again(is_ill_at_start: bool) {
    let is_ill = Arc::new(AtomicBool::new(is_ill_at_start));
    let ill = is_ill.clone();
    let store = AwsProxy::start(move |call, request| {
        let is_workers = !request.to_string().contains("LINE_CHANNEL_SECRET");
        if is_workers && is_read(call) && ill.load(Relaxed) {
            error(400, "AccessDeniedException")
        } else {
            Treatment::Forward
        }
    })
    .await;
    let model = Model::new(Duration::ZERO, |_| "an answer".to_owned());
    let model_url = host(refusing(model.clone().router(), "Bearer an-api-key")).await + "/v1";
    let urls = [("AWS_ENDPOINT_URL_SSM", &*store.url), ("OPENAI_BASE_URL", &model_url)];
    let mut bot = Bot::quiet(&urls).await;
    bot.worker.invoke(json!({ "Records": [] }), INGRESS_TIME).await.unwrap();
    is_ill.store(true, Relaxed);
    bot.cloud.rotates("OPEN_AI_API_KEY", "a-newer-key").await;
    bot.hears("hi").await;
    let (messages, failures) = bot.works_on_a_batch(1, Duration::from_secs(20)).await;
    assert_eq!(failures, json!([{ "itemIdentifier": messages[0].message_id }]));
    let rows = bot.cloud.rows().await;
    assert_eq!((rows.len(), text(&rows[0], "failed")), (1, "model_unavailable"));
    assert!(model.asked().is_empty());
    is_ill.store(false, Relaxed);
    bot.is_brought_jobs(Duration::from_mins(1));
    assert_eq!(bot.says(1).await[0].texts, ["an answer"]);
    assert_eq!(model.asked().len(), 1);
    bot.cloud.is_drained().await;
    assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 0);
}

#[tokio::test]
async fn a_worker_that_got_no_secrets_at_its_start_tries_its_jobs_again_and_writes_no_letter() {
    tries_again(true).await;
}

#[tokio::test]
async fn a_refused_key_that_cannot_be_read_again_is_a_fault_that_passes_and_no_letter() {
    tries_again(false).await;
}

/// Makes a store that answers this number of reads a second in all.
fn throttling(a_second: f64) -> impl Fn(&str, &Value) -> Treatment {
    let bucket = Mutex::new((Instant::now(), a_second));
    move |call, _| {
        let mut bucket = bucket.lock().unwrap();
        let now = Instant::now();
        let (last, left) = *bucket;
        let left = (left + (now - last).as_secs_f64() * a_second).min(a_second);
        let is_granted = !is_read(call) || left >= 1.0;
        *bucket = (now, if is_granted { left - 1.0 } else { left });
        if is_granted { Treatment::Forward } else { error(400, "ThrottlingException") }
    }
}

#[tokio::test]
async fn of_sixty_functions_that_start_at_once_none_answers_401_to_a_right_signature() {
    const FUNCTIONS: usize = 60;
    let cloud = Cloud::start().await;
    // The limit is lower than that of AWS, because fewer functions start at once here.
    let store = AwsProxy::start(throttling(10.0)).await;
    let mut variables = cloud.variables();
    variables.push(("AWS_ENDPOINT_URL_SSM".to_owned(), store.url.clone()));
    let functions = join_all((0..FUNCTIONS).map(|_| Lambda::start("ingress", &variables))).await;
    let mut waiting: Vec<&Lambda> = functions.iter().collect();
    // LINE delivers a webhook again that got 503.
    for delivery in 0.. {
        assert!(delivery < 40, "{} functions have no secret yet", waiting.len());
        let statuses = join_all(waiting.iter().map(async |function| {
            let response = function.invoke(payload_1(FIXTURE, &sign(FIXTURE)), INGRESS_TIME).await.unwrap();
            response["statusCode"].as_u64().unwrap()
        }))
        .await;
        assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
        let mut statuses = statuses.into_iter();
        waiting.retain(|_| statuses.next() != Some(200));
        if waiting.is_empty() {
            break;
        }
        sleep(Duration::from_millis(300)).await;
    }
    assert!(store.calls("GetParameter") > FUNCTIONS, "it throttled");
    assert_eq!(cloud.depth(&cloud.queue_url).await, 1, "a redelivery is the same job");
    let forged = signature::sign(&"a stranger's guess".into(), FIXTURE.as_bytes());
    let response = functions[0].invoke(payload_1(FIXTURE, &forged), INGRESS_TIME).await.unwrap();
    assert_eq!(response["statusCode"], 401);
}

#[tokio::test]
async fn strangers_cost_few_reads_where_no_secret_was_ever_read() {
    let cloud = Cloud::start().await;
    let store = AwsProxy::start(|_, _| error(400, "ParameterNotFound")).await;
    let mut variables = cloud.variables();
    variables.push(("AWS_ENDPOINT_URL_SSM".to_owned(), store.url.clone()));
    let ingress = Lambda::start("ingress", &variables).await;
    let mut unsigned = payload_1(FIXTURE, "");
    unsigned["headers"].as_object_mut().unwrap().remove("X-Line-Signature");
    for _ in 0..30 {
        let response = ingress.invoke(payload_1(FIXTURE, "a stranger's guess"), INGRESS_TIME).await.unwrap();
        assert_eq!(response["statusCode"], 503, "nobody can tell yet");
    }
    let response = ingress.invoke(unsigned, INGRESS_TIME).await.unwrap();
    assert_eq!(response["statusCode"], 401, "what nobody signed needs no secret");
    let reads = store.calls("GetParameter");
    assert!(reads <= 8, "{reads} reads");
}
