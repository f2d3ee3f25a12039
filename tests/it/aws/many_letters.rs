//! A redrive of many letters, or of a long conversation, with disturbances halfway.

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use worker::clock::wall_clock;

use super::letters::{buried, of_one};
use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment},
    bot::{Bot, USER},
    cloud::Cloud,
};
use crate::harness::operator::Operator;

#[tokio::test]
async fn a_long_conversation_is_redriven_from_its_head_in_order_though_ten_are_seen_at_once() {
    let bot = Bot::start().await;
    let letters = of_one(USER, 25);
    buried(&bot.cloud, &letters, "model_unavailable", wall_clock()()).await;
    let operator = Operator::of(&bot.cloud, &[]);
    let listed = operator.runs(&["dlq", "list"]).await;
    assert!(
        listed.err.contains("The queue counts 25 messages, and 10 of them could be seen"),
        "{}",
        listed.err
    );
    let ended = operator.runs(&["dlq", "redrive", "--all", "--yes", "--rate", "1000"]).await;
    assert!(ended.code == 0 && ended.out.contains("25 letters: 25 redriven."), "{}{}", ended.out, ended.err);
    let said: Vec<_> = bot.says(25).await.into_iter().flat_map(|sent| sent.texts).collect();
    let expected: Vec<_> = letters.iter().map(|(_, event)| format!("answer to PRIVATE {event}")).collect();
    assert_eq!(said, expected);
    bot.ends().await;
}

#[tokio::test]
async fn a_redrive_that_breaks_between_sending_and_removing_is_run_again_and_answers_once() {
    let bot = Bot::start().await;
    buried(&bot.cloud, &of_one(USER, 3), "model_unavailable", wall_clock()()).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let sqs = AwsProxy::start(move |call, _| {
        let breaks = call == "DeleteMessage" && counted.fetch_add(1, Relaxed) < 1;
        if breaks {
            crate::harness::lambda::aws_proxy::error(400, "AccessDenied")
        } else {
            Treatment::Forward
        }
    })
    .await;
    let operator = Operator::of(&bot.cloud, &[("AWS_ENDPOINT_URL_SQS", &sqs.url)]);
    let ended = operator.runs(&["dlq", "redrive", "--all", "--yes"]).await;
    // The later letters of its conversation must not overtake the one that failed.
    assert!(
        ended.code == 1
            && ended.out.contains(
                "3 letters: 0 redriven, 2 kept: an earlier letter of its conversation failed, 1 failed."
            ),
        "{}{}",
        ended.out,
        ended.err
    );
    let ended = operator.runs(&["dlq", "redrive", "--all", "--yes"]).await;
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    bot.says(3).await;
    bot.cloud.is_drained().await;
    assert_eq!((bot.line.sent().len(), bot.model.asked().len()), (3, 3));
    assert!(operator.lists(&[]).await.is_empty());
    bot.ends().await;
}

#[tokio::test]
async fn one_that_is_interrupted_leaves_the_rest_to_be_seen_at_once() {
    let bot = Bot::start().await;
    let letters: Vec<_> = (0..12).map(|n| (format!("U{n}"), format!("E{n}"))).collect();
    buried(&bot.cloud, &letters, "model_unavailable", wall_clock()()).await;
    let operator = Operator::of(&bot.cloud, &[]);
    let mut command = operator.command(&["dlq", "redrive", "--all", "--yes", "--rate", "0.2"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    bot.says(1).await;
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(
        output.status.code() == Some(1) && out.contains(" redriven.") && err.contains("interrupted"),
        "{out}{err}"
    );
    let left = operator.lists(&[]).await.len();
    assert_eq!(left, 12 - operator.outcomes().len());
    let ended = operator.runs(&["dlq", "redrive", "--all", "--yes"]).await;
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    bot.says(12).await;
    bot.cloud.is_drained().await;
    assert_eq!((bot.line.sent().len(), bot.model.asked().len()), (12, 12));
    bot.ends().await;
}

#[tokio::test]
async fn a_thousand_letters_are_listed_filtered_and_purged_into_a_file() {
    let cloud = Cloud::start().await;
    let old = wall_clock()().checked_sub(SignedDuration::from_hours(50)).unwrap();
    let letters: Vec<_> = (0..1_000).map(|n| (format!("U{n}"), format!("E{n}"))).collect();
    buried(&cloud, &letters[..600], "model_unavailable", old).await;
    buried(&cloud, &letters[600..], "model_gone", wall_clock()()).await;
    let operator = Operator::of(&cloud, &[]);
    assert_eq!(operator.lists(&[]).await.len(), 1_000);
    assert_eq!(operator.lists(&["--older-than", "2d"]).await.len(), 600);
    assert_eq!(operator.lists(&["--reason", "model_gone", "--conversation", "U700"]).await.len(), 1);
    let wrong = operator.runs(&["dlq", "list", "--reason", "model_on_fire"]).await;
    assert!(wrong.code == 2 && wrong.err.contains("model_unavailable"), "{}", wrong.err);
    let args = [
        "dlq",
        "purge",
        "--all",
        "--reason",
        "model_gone",
        "--yes",
        "--rate",
        "100000",
        "--to",
        "saved.jsonl",
    ];
    let ended = operator.runs(&args).await;
    assert!(ended.code == 0 && ended.out.contains("400 letters: 400 purged."), "{}", ended.err);
    let saved = std::fs::read_to_string(operator.folder.path().join("saved.jsonl")).unwrap();
    assert!(saved.lines().count() == 400 && saved.contains("PRIVATE E700"));
    assert_eq!(operator.lists(&[]).await.len(), 600);
    assert_eq!(cloud.depth(&cloud.dlq_url).await, 600);
}

/// Makes a message as SQS shows it, which cannot be deleted.
fn shown(id: &str) -> Value {
    let job = json!({ "v": 1, "eventId": id, "conversation": id, "kind": "question", "text": "PRIVATE" });
    let system =
        json!({ "MessageGroupId": id, "MessageDeduplicationId": format!("{id}:1"), "SentTimestamp": "1" });
    json!({ "MessageId": id, "ReceiptHandle": id, "Body": job.to_string(), "Attributes": system })
}

#[tokio::test]
async fn letters_that_are_shown_again_hide_no_others_behind_them() {
    let cloud = Cloud::start().await;
    buried(&cloud, &of_one("U-behind", 3), "model_unavailable", wall_clock()()).await;
    let looks = AtomicUsize::new(0);
    let sqs = AwsProxy::start(move |call, _| match call {
        // A scan that takes minutes sees the letters again that it hid first.
        "ReceiveMessage" if looks.fetch_add(1, Relaxed) < 2 => {
            Treatment::Answer(200, json!({ "Messages": [shown("U-first")] }))
        }
        _ => Treatment::Forward,
    })
    .await;
    let operator = Operator::of(&cloud, &[("AWS_ENDPOINT_URL_SQS", &sqs.url)]);
    let conversations: Vec<_> =
        operator.lists(&[]).await.iter().map(|letter| letter["conversation"].clone()).collect();
    assert_eq!(conversations, ["U-first", "U-behind", "U-behind", "U-behind"]);
}

#[tokio::test]
async fn a_letter_that_comes_to_sqs_while_another_goes_is_seen_in_time() {
    let cloud = Cloud::start().await;
    buried(&cloud, &of_one("U1", 1), "model_unavailable", wall_clock()()).await;
    let sqs = AwsProxy::start(|call, _| match call {
        "GetQueueAttributes" => {
            Treatment::Answer(200, json!({ "Attributes": { "ApproximateNumberOfMessages": "1" } }))
        }
        _ => Treatment::Forward,
    })
    .await;
    let operator = Operator::of(&cloud, &[("AWS_ENDPOINT_URL_SQS", &sqs.url)]);
    let watch = ["dlq", "watch", "--every", "0.1", "--fail-on-letter"];
    let mut watching = operator.command(&watch).spawn().unwrap();
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().unwrap().ends_with("depth 1") {}
    buried(&cloud, &of_one("U2", 1), "model_unavailable", wall_clock()()).await;
    assert!(lines.next_line().await.unwrap().unwrap().contains("U2"));
    assert_eq!(watching.wait().await.unwrap().code(), Some(1));
}
