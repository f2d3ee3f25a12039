use std::time::Duration;

use cli::commands::send::webhook_of;
use emulator::line::PUSH;
use serde_json::{Value, json};

use super::FIXTURE;
use crate::harness::chat::contents;
use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment, error},
    bot::{Bot, USER, payload_1, payload_2},
    cloud::{CHANNEL_SECRET, attribute},
};
use crate::harness::log_lines::{Kind, lines_of};

#[tokio::test]
async fn three_hundred_turns_of_a_hundred_users_with_three_workers_keep_order_and_to_themselves() {
    let mut bot = Bot::start().await;
    bot.gets_another_worker().await;
    bot.gets_another_worker().await;
    bot.model.set_think_time(Duration::from_millis(30));
    for round in 0..3 {
        for user in 0..100 {
            bot.hears_from(&format!("U{user}"), &format!("secret of {user} in round {round}")).await;
        }
    }
    let said = bot.said().await;
    assert_eq!(said.len(), 300);
    for user in 0..100 {
        let heard = said.iter().filter(|(to, _)| *to == format!("U{user}")).map(|(_, text)| text.as_str());
        let expected = (0..3).map(|round| format!("answer to secret of {user} in round {round}"));
        assert!(heard.eq(expected), "{said:?}");
    }
    let asked = bot.model.asked();
    assert_eq!(asked.len(), 300);
    for seen in asked {
        let contents = contents(&seen.body);
        let (of, round) = contents.last().unwrap().split_once("in round ").unwrap();
        assert!(contents[1..].iter().all(|content| content.contains(of)), "{contents:?}");
        // Each prompt holds all earlier turns, so no two turns of a conversation were in work at once.
        assert_eq!(contents.len(), 2 + 2 * round.parse::<usize>().unwrap());
    }
    bot.ends().await;
}

#[tokio::test]
async fn ten_slow_answers_in_one_batch_take_the_time_of_one() {
    let bot = Bot::quiet(&[]).await;
    bot.model.set_think_time(Duration::from_secs(1));
    for user in 0..10 {
        bot.hears_from(&format!("U{user}"), "hi").await;
    }
    // One after another they would take longer than the batch has.
    let (_, failures) = bot.works_on_a_batch(10, Duration::from_secs(8)).await;
    assert_eq!((failures, bot.line.sent().len()), (json!([]), 10));
    let asked = bot.model.asked();
    assert!(asked[9].at - asked[0].at < Duration::from_secs(1), "side by side");
}

#[tokio::test]
async fn six_quick_messages_to_a_slow_model_are_handed_back_uncounted_and_answered_in_order() {
    let mut bot = Bot::quiet(&[("MAX_ATTEMPTS", "1")]).await;
    bot.model.set_think_time(Duration::from_millis(900));
    let texts: Vec<String> = (0..6).map(|n| format!("message {n}")).collect();
    for text in &texts {
        bot.hears(text).await;
    }
    // Two of them fit into the four seconds that a batch has.
    bot.is_brought_jobs(Duration::from_secs(6));
    let said: Vec<_> = bot.said().await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(said, texts.iter().map(|text| format!("answer to {text}")).collect::<Vec<_>>());
    assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 0);
    bot.ends().await;
}

#[tokio::test]
async fn one_bad_record_spoils_neither_its_batch_nor_its_conversation() {
    let bot = Bot::quiet(&[]).await;
    bot.is_sent("PRIVATE garbage", USER, "bad").await;
    for (user, text) in [(USER, "after it"), ("U-other", "beside it")] {
        bot.hears_from(user, text).await;
    }
    let (_, failures) = bot.works_on_a_batch(3, Duration::from_secs(10)).await;
    assert_eq!(failures, json!([]));
    let mut said: Vec<_> = bot.line.sent().into_iter().flat_map(|sent| sent.texts).collect();
    said.sort();
    assert_eq!(said, ["answer to after it", "answer to beside it"]);
    let letter = bot.cloud.letter().await;
    assert_eq!(letter.body.as_deref(), Some("PRIVATE garbage"));
    assert_eq!(attribute(&letter, "Reason"), "job_unreadable");
    assert!(!attribute(&letter, "Detail").contains("PRIVATE"));
}

#[tokio::test]
async fn nobody_is_told_that_there_is_no_answer_before_the_dead_letter_is_safe() {
    let queue = AwsProxy::start(|call, _| {
        if call == "SendMessage" { error(500, "com.amazonaws.sqs#InternalError") } else { Treatment::Forward }
    })
    .await;
    let bot = Bot::quiet(&[("AWS_ENDPOINT_URL_SQS", &queue.url)]).await;
    bot.model.plan_error(400, "invalid_request_error");
    bot.hears("hi").await;
    let (messages, failures) = bot.works_on_a_batch(1, Duration::from_secs(10)).await;
    assert_eq!(failures, json!([{ "itemIdentifier": messages[0].message_id }]));
    assert!(queue.calls("SendMessage") > 0 && bot.line.sent().is_empty());
}

#[tokio::test]
async fn a_redriven_job_is_counted_anew_and_only_pushes_the_answer_that_is_stored() {
    let bot = Bot::with(&[("MAX_ATTEMPTS", "1")]).await;
    bot.line.plan_error(PUSH, 400, "on purpose");
    bot.hears("hi").await;
    let letter = bot.cloud.letter().await;
    assert!(bot.says(1).await[0].texts[0].starts_with("Sorry"));
    let mut job: Value = serde_json::from_str(letter.body.as_deref().unwrap()).unwrap();
    job["run"] = json!(letter.message_id);
    bot.is_sent(&job.to_string(), USER, "a redrive").await;
    assert_eq!(bot.says(2).await[1].texts, ["answer to hi"]);
    bot.cloud.is_drained().await;
    assert_eq!((bot.model.asked().len(), bot.cloud.depth(&bot.cloud.dlq_url).await), (1, 1));
    bot.ends().await;
}

#[tokio::test]
async fn the_logs_are_json_and_hold_nothing_private() {
    let bot = Bot::with(&[("RUST_LOG", "trace")]).await;
    let forged = payload_1(FIXTURE, "PRIVATE signature");
    assert_eq!(bot.status(forged).await, 401);
    assert_eq!(bot.status(payload_2(r#"{"events":"PRIVATE"}"#)).await, 400);
    bot.model.plan_answer("PRIVATE answer");
    bot.hears("PRIVATE question").await;
    bot.says(1).await;
    bot.model.plan_error(400, "PRIVATE words of a server");
    bot.hears_from("U-refused", "PRIVATE question").await;
    bot.says(2).await;
    bot.line.plan_error(PUSH, 400, "PRIVATE words of LINE");
    let body = webhook_of("PRIVATE third", "U-third");
    assert_eq!(bot.status(payload_2(&body.to_string())).await, 200);
    for letter in bot.cloud.letters(2).await {
        assert!(!attribute(&letter, "Detail").contains("PRIVATE"));
    }
    bot.cloud.is_drained().await;
    let signature = crate::harness::lambda::bot::sign(&body.to_string());
    let reply_token = body["events"][0]["replyToken"].as_str().unwrap();
    for log in [bot.ingress.log(), bot.worker.log()] {
        assert!(log.len() > 3);
        let log = log.join("\n");
        for private in
            ["PRIVATE", CHANNEL_SECRET, "an-access-token", "an-api-key", "Sorry", &signature, reply_token]
        {
            assert!(!log.contains(private), "{private} is in the log: {log}");
        }
    }
    bot.ends().await;
}

#[tokio::test]
async fn what_is_left_of_the_months_messages_is_logged_for_an_alarm_and_not_at_every_turn() {
    let bot = Bot::start().await;
    bot.line.set_messages_left(50);
    for (turn, text) in ["one", "two"].into_iter().enumerate() {
        bot.hears(text).await;
        bot.says(turn + 1).await;
        bot.cloud.is_drained().await;
    }
    let said = lines_of(&bot.worker.log().join("\n"), Kind::MonthQuota);
    assert!(matches!(&said[..], [line] if line["limit"] == 50 && line["left"].is_u64()), "{said:?}");
    bot.ends().await;
}
