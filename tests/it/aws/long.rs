//! Stories that take minutes: `tests/long` runs them.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};
use worker::clock::wall_clock;

use super::letters::buried;
use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment},
    bot::Bot,
    cloud::Cloud,
};
use crate::harness::operator::Operator;

fn of_users(count: usize) -> Vec<(String, String)> {
    (0..count).map(|n| (format!("U{n}"), format!("E{n}"))).collect()
}

#[tokio::test]
#[ignore = "it takes a minute: tests/long"]
async fn thousands_of_letters_are_seen_and_redriven_page_by_page() {
    const COUNT: usize = 3_500;
    let cloud = Cloud::start().await;
    let old = wall_clock()().checked_sub(SignedDuration::from_hours(5)).unwrap();
    buried(&cloud, &of_users(COUNT), "model_unavailable", old).await;
    let operator = Operator::of(&cloud, &[]);
    assert_eq!(operator.lists(&["--older-than", "2h"]).await.len(), COUNT);
    let args = ["dlq", "redrive", "--reason", "model_unavailable", "--yes", "--rate", "100000", "--json"];
    let ended = operator.runs(&args).await;
    let sum: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert_eq!(
        sum,
        json!({ "letters": COUNT, "redriven": COUNT, "removed": {}, "kept": {}, "failed": 0, "left": 0 })
    );
    assert_eq!(cloud.depth(&cloud.queue_url).await, COUNT);
    assert_eq!(operator.outcomes().len(), COUNT);
}

#[tokio::test]
#[ignore = "it waits until SQS shows again what a killed command hid, two minutes: tests/long"]
async fn a_redrive_that_is_killed_between_sending_and_removing_answers_everybody_once() {
    const COUNT: usize = 40;
    let bot = Bot::start().await;
    buried(&bot.cloud, &of_users(COUNT), "model_unavailable", wall_clock()()).await;
    let hangs = AtomicBool::new(false);
    let sqs = AwsProxy::start(move |call, _| match call {
        "DeleteMessage" if !hangs.swap(true, Relaxed) => Treatment::Hang,
        _ => Treatment::Forward,
    })
    .await;
    let through = Operator::of(&bot.cloud, &[("AWS_ENDPOINT_URL_SQS", &sqs.url)]);
    let redrive = ["dlq", "redrive", "--all", "--yes", "--json"];
    let mut killed = through.command(&redrive).spawn().unwrap();
    sqs.is_called("DeleteMessage", 1).await;
    killed.kill().await.unwrap();

    let operator = Operator::of(&bot.cloud, &[]);
    let (begun, mut dealt_with) = (through.audit(), 0);
    assert_eq!((begun.len(), &begun[0]["outcome"]), (1, &json!("begun")));
    for _ in 0..60 {
        let ended = operator.runs(&redrive).await;
        let sum: Value = serde_json::from_str(&ended.out).unwrap();
        assert_eq!(ended.code, 0, "{}", ended.err);
        dealt_with += sum["letters"].as_u64().unwrap();
        if sum["left"] == 0 {
            break;
        }
        assert!(
            ended.err.contains("this run could not see") || ended.err.contains("could be seen"),
            "{}",
            ended.err
        );
        sleep(Duration::from_secs(5)).await;
    }
    // The count includes the letter whose deletion had no answer: it was answered meanwhile, or SQS takes its job
    // only once.
    assert_eq!(dealt_with, COUNT as u64);
    let said = bot.says(COUNT).await;
    bot.cloud.is_drained().await;
    assert_eq!((bot.line.sent().len(), bot.model.asked().len()), (COUNT, COUNT));
    assert_eq!(said.iter().map(|sent| &sent.to).collect::<BTreeSet<_>>().len(), COUNT);
    bot.ends().await;
}
