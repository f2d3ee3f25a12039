//! The output of the functions: metrics in CloudWatch's embedded format, one line a turn, and traces that continue
//! behind the queue.

use std::{
    collections::BTreeMap,
    net::UdpSocket,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment},
    bot::{Bot, payload_1},
    runtime_api::trace,
};
use crate::harness::log_lines::{Kind, is_of};

const TELLS: [(&str, &str); 3] = [
    ("METRICS_NAMESPACE", "Henji-it"),
    ("PROMPT_USD_PER_MILLION", "0.75"),
    ("COMPLETION_USD_PER_MILLION", "4.5"),
];

/// Returns the values of each metric, with its dimension where it has one.
fn metrics(log: &[String]) -> BTreeMap<String, Vec<f64>> {
    let mut found: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for line in log {
        let line: Value = serde_json::from_str(line).unwrap();
        let Some(metrics) = line["_aws"]["CloudWatchMetrics"].as_array() else { continue };
        assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000);
        for metric in metrics {
            assert_eq!(metric["Namespace"], "Henji-it");
            let by = metric["Dimensions"][0].as_array().unwrap().first();
            let by = by.map(|name| format!(" {}", line[name.as_str().unwrap()].as_str().unwrap()));
            for named in metric["Metrics"].as_array().unwrap() {
                let name = named["Name"].as_str().unwrap();
                let value = line[name].as_f64().unwrap();
                found.entry(name.to_owned() + by.as_deref().unwrap_or("")).or_default().push(value);
            }
        }
    }
    found
}

#[tokio::test]
async fn the_functions_tell_their_figures_and_each_turn_leaves_one_line() {
    let bot = Bot::with(&TELLS).await;
    bot.hears("hello").await;
    bot.says(1).await;
    bot.model.plan_error(404, "model_not_found");
    bot.hears_from("U-other", "PRIVATE").await;
    bot.says(2).await;
    bot.cloud.is_drained().await;

    let ingress = metrics(&bot.ingress.log());
    assert_eq!(ingress["Accepted"], [1.0, 1.0]);
    assert_eq!(ingress["Webhooks 200"], [1.0, 1.0]);
    assert!(ingress["AckMs"].iter().all(|ms| (0.0..1_500.0).contains(ms)));
    let worker = metrics(&bot.worker.log());
    for (name, values) in [
        ("Answered", &[1.0][..]),
        ("Turns answered", &[1.0]),
        ("Turns dead", &[1.0]),
        ("DeadLettered model_gone", &[1.0]),
        ("ModelErrors", &[1.0]),
        ("ActionableDeadLetters", &[1.0]),
        ("Sends 200", &[1.0, 1.0]),
    ] {
        assert_eq!(worker.get(name).map(Vec::as_slice), Some(values), "{name}: {worker:?}");
    }
    for name in
        ["ModelMs", "PromptTokens", "CachedTokens", "CompletionTokens", "CostUsd", "QueueMs", "TurnMs"]
    {
        assert!(worker[name].iter().all(|value| *value >= 0.0), "{name}");
    }
    let tokens = worker["PromptTokens"][0] * 0.75 + worker["CompletionTokens"][0] * 4.5;
    assert!((worker["CostUsd"][0] * 1e6 - tokens).abs() < 1e-3);

    let lines: Vec<Value> = bot.worker.log().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let turns: Vec<_> = lines.iter().filter(|line| is_of(line, Kind::Turn)).collect();
    assert_eq!(turns.len(), 2);
    assert_eq!((&turns[0]["outcome"], &turns[1]["reason"]), (&json!("answered"), &json!("model_gone")));
    // The log has the request ids of LINE and of the model, each beside its event.
    for kind in [Kind::LineAnswered, Kind::ModelAnswered] {
        let line = lines.iter().find(|line| is_of(line, kind)).unwrap();
        assert!(line["request"].is_string(), "{line}");
        assert_eq!(line["span"]["event"], turns[0]["event"], "{line}");
    }
    // The user is a field beside a metric, and not a dimension of it.
    let cost = lines.iter().find(|line| line["CostUsd"].is_number()).unwrap();
    assert_eq!(cost["User"], crate::harness::local::USER);
    assert!(!bot.worker.log().concat().contains("PRIVATE"));
    bot.ends().await;
}

#[tokio::test]
async fn each_webhook_that_line_did_not_sign_is_a_figure_and_one_of_them_a_line() {
    const TIMES: usize = 20;
    let bot = Bot::with(&TELLS).await;
    for n in 0..TIMES {
        let signature = if n % 2 == 0 { "a stranger's guess" } else { "" };
        assert_eq!(bot.status(payload_1("{}", signature)).await, 401);
    }
    // The log may arrive after the answers.
    let is_told = || metrics(&bot.ingress.log()).get("Webhooks 401").is_some_and(|it| it.len() == TIMES);
    while !is_told() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let log = bot.ingress.log();
    let told = metrics(&log);
    assert_eq!((told["RefusedSignatures"].len(), told["Webhooks 401"].len()), (TIMES, TIMES));
    let lines = log.iter().filter(|line| !line.contains("\"_aws\""));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let kinds: Vec<_> = lines.map(|line| line["kind"].clone()).collect();
    assert_eq!(kinds, [Kind::Started, Kind::SignaturesRefused].map(Kind::as_str));
    bot.ends().await;
}

#[tokio::test]
async fn without_a_namespace_no_figures_are_written() {
    let bot = Bot::start().await;
    bot.hears("hello").await;
    bot.says(1).await;
    bot.cloud.is_drained().await;
    assert!(metrics(&bot.ingress.log()).is_empty() && metrics(&bot.worker.log()).is_empty());
    bot.ends().await;
}

type Sent = Arc<Mutex<Vec<Value>>>;

/// Starts a proxy of SQS that keeps the batches of the ingress.
async fn recording_sqs() -> (AwsProxy, Sent) {
    let sent = Sent::default();
    let seen = sent.clone();
    let sqs = AwsProxy::start(move |call, request| {
        if call == "SendMessageBatch" {
            seen.lock().unwrap().push(request.clone());
        }
        Treatment::Forward
    })
    .await;
    (sqs, sent)
}

#[tokio::test]
async fn a_trace_goes_on_behind_the_queue() {
    let (sqs, sent) = recording_sqs().await;
    let bot = Bot::quiet(&[("AWS_ENDPOINT_URL_SQS", &sqs.url)]).await;
    bot.hears("hello").await;
    let handed_on = &sent.lock().unwrap()[0]["Entries"][0]["MessageSystemAttributes"]["AWSTraceHeader"];
    assert_eq!(*handed_on, json!({ "DataType": "String", "StringValue": trace("ingress", false) }));
}

/// Returns the spans that arrive at the socket of the daemon, in the order of their ends: the ingress's and the
/// worker's.
fn spans(daemon: &UdpSocket) -> (Vec<Value>, Vec<Value>) {
    daemon.set_nonblocking(true).unwrap();
    let mut bytes = [0; 4096];
    std::iter::from_fn(|| daemon.recv(&mut bytes).ok().map(|length| bytes[..length].to_vec()))
        .map(|sent| {
            let sent = String::from_utf8(sent).unwrap();
            assert!(!sent.contains("PRIVATE"), "{sent}");
            let (header, document) = sent.split_once('\n').unwrap();
            assert_eq!(header, r#"{"format": "json", "version": 1}"#);
            serde_json::from_str::<Value>(document).unwrap()
        })
        .partition(|span| trace("ingress", true).starts_with(&format!("Root={};", text(&span["trace_id"]))))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Returns the header that continues a span whose id is in this field.
fn header(span: &Value, id: &str) -> String {
    format!("Root={};Parent={};Sampled=1", text(&span["trace_id"]), text(&span[id]))
}

fn names(spans: &[Value]) -> Vec<&str> {
    spans.iter().map(|span| text(&span["name"])).collect()
}

#[tokio::test]
async fn a_message_is_traced_from_the_webhook_to_the_push_and_without_its_words() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = daemon.local_addr().unwrap().to_string();
    let (sqs, sent) = recording_sqs().await;
    let traced = [("AWS_XRAY_DAEMON_ADDRESS", address.as_str()), ("AWS_ENDPOINT_URL_SQS", &sqs.url)];
    let bot = Bot::with(&traced).await;
    bot.hears("PRIVATE").await;
    bot.says(1).await;
    bot.cloud.is_drained().await;
    let (ingress, worker) = spans(&daemon);
    bot.model.plan_error(404, "model_not_found");
    bot.hears("PRIVATE again").await;
    bot.says(2).await;
    bot.cloud.is_drained().await;
    let (_, given_up) = spans(&daemon);

    assert_eq!(names(&ingress), ["verify", "SQS"]);
    assert!(ingress.iter().all(|step| header(step, "parent_id") == trace("ingress", true)));
    assert_eq!(names(&worker), ["begin", "load", "model", "store", "push", "turn"]);
    let (turn, steps) = worker.split_last().unwrap();
    assert_eq!(header(turn, "parent_id"), trace("worker", true));
    assert!(steps.iter().all(|step| header(step, "parent_id") == header(turn, "id")));
    // Lambda links the worker's invocation to the trace that the message names.
    let enqueued = &ingress[1];
    let sent = sent.lock().unwrap()[0].clone();
    let handed_on = &sent["Entries"][0]["MessageSystemAttributes"]["AWSTraceHeader"];
    assert_eq!(handed_on["StringValue"], header(enqueued, "id"));
    assert_eq!(turn["annotations"]["sender"], enqueued["trace_id"]);
    assert_eq!(turn["annotations"]["event"], enqueued["annotations"]["event"]);
    assert_eq!(turn["annotations"]["outcome"], "answered");

    assert_eq!(names(&given_up), ["begin", "load", "model", "dead letter", "push", "turn"]);
    let turn = &given_up[5];
    assert_eq!((&turn["annotations"]["reason"], &turn["fault"]), (&json!("model_gone"), &json!(true)));
    bot.ends().await;
}
