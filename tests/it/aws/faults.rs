use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use emulator::{
    faults::Fault,
    line::{PUSH, REPLY},
};
use serde_json::json;
use tokio::time::sleep;

use super::text;
use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment, error},
    bot::{Bot, USER},
    cloud::attribute,
};

fn status(status: u16, headers: &[(&'static str, &str)]) -> Fault {
    Fault::Respond(status, headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(), "{}".into())
}

fn body(body: &str) -> Fault {
    Fault::Respond(200, vec![], body.into())
}

/// Returns the attempts of every turn of this bot.
async fn attempts(bot: &Bot) -> Vec<String> {
    let rows = bot.cloud.rows().await;
    let turns = rows.iter().filter(|row| text(row, "id").starts_with("turn#"));
    turns.map(|row| row["attempts"].as_n().unwrap().clone()).collect()
}

/// Returns the reasons of this number of dead letters, by user.
async fn reasons(bot: &Bot, letters: usize) -> BTreeMap<String, String> {
    let letters = bot.cloud.letters(letters).await;
    let user = |body: &str| serde_json::from_str::<serde_json::Value>(body).unwrap()["conversation"].clone();
    let reason = |letter| {
        let user = user(aws_sdk_sqs::types::Message::body(letter).unwrap());
        (user.as_str().unwrap().to_owned(), attribute(letter, "Reason"))
    };
    letters.iter().map(reason).collect()
}

#[tokio::test]
async fn a_passing_fault_of_the_model_is_tried_again_and_the_user_hears_only_the_answer() {
    let faults = [
        status(500, &[]),
        status(429, &[("retry-after", "1")]),
        Fault::Reset,
        body("<html>not json</html>"),
        body(r#"{"choices":[]}"#),
        body(r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#),
    ];
    let bot = Bot::start().await;
    let all = faults.len();
    for (index, fault) in faults.into_iter().enumerate() {
        let shown = format!("{fault:?}");
        bot.model.plan_fault(fault);
        bot.hears_from(&format!("U{index}"), "hi").await;
        assert_eq!(bot.says(index + 1).await[index].texts, ["answer to hi"], "{shown}");
        let asked = bot.model.asked();
        assert_eq!(asked.len(), 2 * (index + 1), "{shown}");
        let pause = asked[2 * index + 1].at - asked[2 * index].at;
        assert!(pause >= Duration::from_millis(if index == 1 { 1_000 } else { 500 }), "{shown}");
    }
    bot.cloud.is_drained().await;
    assert_eq!(attempts(&bot).await, vec!["1"; all], "a short fault needs no second attempt");
    bot.ends().await;
}

#[tokio::test]
async fn an_answer_that_is_cut_says_so_and_a_context_that_is_too_long_loses_its_oldest_turns() {
    let bot = Bot::start().await;
    bot.model.plan_completion(json!({ "content": "Once upon a" }), "length");
    bot.hears("a story").await;
    let said = &bot.says(1).await[0].texts;
    assert!(said[0].starts_with("Once upon a\n\n(") && said[0].contains("cut"), "{said:?}");
    bot.model.plan_error(400, "context_length_exceeded");
    bot.hears("and on").await;
    assert_eq!(bot.says(2).await[1].texts, ["answer to and on"]);
    let asked = bot.model.asked();
    let lengths: Vec<_> = asked.iter().map(|s| s.body["messages"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [2, 4, 2]);
    assert_eq!(asked[1].body["messages"][2]["content"], "Once upon a", "without the remark");
    bot.ends().await;
}

#[tokio::test]
async fn what_no_retry_of_the_model_mends_is_a_dead_letter_at_once_and_the_user_is_told() {
    let bot = Bot::start().await;
    let faults = [
        (401, "invalid_api_key", "model_auth"),
        (429, "insufficient_quota", "model_quota"),
        (404, "model_not_found", "model_gone"),
    ];
    for (index, (status, code, _)) in faults.into_iter().enumerate() {
        bot.model.plan_error(status, code);
        bot.hears_from(code, "hi").await;
        let said = bot.says(index + 1).await;
        assert!(said[index].to == code && said[index].texts[0].starts_with("Sorry"), "{said:?}");
    }
    let expected = faults.map(|(_, code, reason)| (code.to_owned(), reason.to_owned()));
    assert_eq!(reasons(&bot, 3).await, BTreeMap::from(expected));
    assert_eq!(bot.model.asked().len(), 3);
    bot.ends().await;
}

#[tokio::test]
async fn a_rotated_key_and_a_rotated_token_need_no_deployment() {
    let bot = Bot::start().await;
    bot.hears("before").await;
    bot.says(1).await;
    bot.cloud.rotates("OPEN_AI_API_KEY", "a-newer-key").await;
    bot.cloud.rotates("LINE_CHANNEL_ACCESS_TOKEN", "a-newer-token").await;
    bot.model.plan_error(401, "invalid_api_key");
    bot.line.plan_error(PUSH, 401, "on purpose");
    bot.hears("hi").await;
    assert_eq!(bot.says(2).await[1].texts, ["answer to hi"]);
    bot.cloud.is_drained().await;
    assert_eq!(attempts(&bot).await, ["1", "1"]);
    let keys: Vec<_> = bot.model.asked().iter().map(|seen| seen.headers["authorization"].clone()).collect();
    assert_eq!(keys[1..], ["Bearer an-api-key", "Bearer a-newer-key"]);
    let pushes = bot.line.faults.seen(PUSH);
    let tokens: Vec<_> = pushes.iter().map(|seen| seen.headers["authorization"].clone()).collect();
    assert_eq!(tokens[1..], ["Bearer an-access-token", "Bearer a-newer-token"]);
    bot.ends().await;
}

#[tokio::test]
async fn a_push_that_fails_for_a_moment_is_repeated_under_its_key_and_arrives_once() {
    let bot = Bot::start().await;
    let rate = json!({ "message": "The API rate limit has been exceeded. Try again later." }).to_string();
    let faults = [status(500, &[]), Fault::Lose, Fault::Reset, Fault::Respond(429, vec![], rate)];
    let all = faults.len();
    for (index, fault) in faults.into_iter().enumerate() {
        let shown = format!("{fault:?}");
        bot.line.faults.plan_next(PUSH, fault);
        bot.hears_from(&format!("U{index}"), "hi").await;
        assert_eq!(bot.said().await.len(), index + 1, "{shown}");
        let tried = bot.pushes_tried().split_off(2 * index);
        assert_eq!(tried.len(), 2, "{shown}");
        assert_eq!(tried[0], tried[1], "the same key and body: {shown}");
    }
    // 409 means that LINE took the key before, which is success.
    bot.line.plan_error(PUSH, 409, "The retry key is already accepted");
    bot.hears("once more").await;
    bot.pushes(2 * all + 1).await;
    assert_eq!((bot.said().await.len(), bot.pushes_tried().len()), (all, 2 * all + 1));
    assert_eq!(attempts(&bot).await, vec!["1"; all + 1]);
    assert_eq!(bot.model.asked().len(), all + 1);
    bot.ends().await;
}

#[tokio::test]
async fn what_line_refuses_for_good_is_a_dead_letter_that_keeps_its_answer() {
    let bot = Bot::start().await;
    let faults = [
        (400, "on purpose", "line_rejected"),
        (401, "on purpose", "line_auth"),
        (429, "You have reached your monthly limit.", "line_quota"),
    ];
    for (index, (status, message, reason)) in faults.into_iter().enumerate() {
        bot.line.plan_error(PUSH, status, message);
        if reason == "line_quota" {
            bot.line.plan_error(REPLY, 400, "Invalid reply token");
        }
        bot.hears_from(reason, "hi").await;
        bot.pushes(index + 1).await;
        bot.cloud.is_drained().await;
        if index == 0 {
            // Only a user who certainly has no answer gets an apology, and only where LINE takes messages at all.
            let said = bot.line.sent();
            assert!(said.len() == 1 && said[0].texts[0].starts_with("Sorry"), "{said:?}");
        }
    }
    let expected = faults.map(|(_, _, reason)| (reason.to_owned(), reason.to_owned()));
    assert_eq!(reasons(&bot, 3).await, BTreeMap::from(expected));
    assert_eq!((bot.line.sent().len(), bot.pushes_tried().len(), bot.model.asked().len()), (1, 4, 3));
    let rows = bot.cloud.rows().await;
    let stored = rows.iter().filter(|row| row.get("stage").is_some_and(|s| s.as_s().unwrap() == "stored"));
    assert_eq!(stored.count(), 3, "a redrive only pushes");
    bot.ends().await;
}

#[tokio::test]
async fn a_limit_that_is_not_reached_is_waited_for_and_an_account_that_may_not_push_keeps_its_token() {
    let bot = Bot::with(&[("MAX_ATTEMPTS", "1")]).await;
    bot.line.set_messages_left(10);
    bot.line.set_reserved(10);
    bot.hears("hi").await;
    bot.pushes(1).await;
    while bot.cloud.rows().await.iter().all(|row| !row.contains_key("quotaSince")) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    bot.line.set_reserved(0);
    assert_eq!(bot.says(1).await[0].texts, ["answer to hi"]);
    bot.cloud.is_drained().await;
    assert_eq!((bot.pushes_tried().len(), bot.model.asked().len()), (2, 1));
    assert_eq!((attempts(&bot).await, bot.cloud.depth(&bot.cloud.dlq_url).await), (vec!["1".to_owned()], 0));

    bot.cloud.rotates("LINE_CHANNEL_ACCESS_TOKEN", "a-newer-token").await;
    bot.line.plan_error(PUSH, 403, "Access to this API is not available for your account");
    bot.hears("and now?").await;
    assert_eq!(reasons(&bot, 1).await[USER], "line_rejected");
    let pushes = bot.line.faults.seen(PUSH);
    assert!(pushes.iter().all(|seen| seen.headers["authorization"] == "Bearer an-access-token"));
    bot.ends().await;
}

#[tokio::test]
async fn a_table_that_throttles_for_a_moment_costs_no_second_question() {
    let tries = AtomicUsize::new(0);
    // The table refuses more often than the SDK tries by itself.
    let table = AwsProxy::start(move |call, _| {
        let refuses = call == "TransactWriteItems" && tries.fetch_add(1, Relaxed) < 4;
        if refuses {
            error(400, "com.amazon.coral.availability#ThrottlingException")
        } else {
            Treatment::Forward
        }
    })
    .await;
    let bot = Bot::with(&[("AWS_ENDPOINT_URL_DYNAMODB", &table.url)]).await;
    bot.hears("hi").await;
    assert_eq!(bot.says(1).await[0].texts, ["answer to hi"]);
    assert_eq!((bot.model.asked().len(), table.calls("TransactWriteItems")), (1, 5));
    bot.cloud.is_drained().await;
    assert_eq!(attempts(&bot).await, ["1"]);
    bot.ends().await;
}

#[tokio::test]
async fn an_answer_that_the_table_never_takes_is_a_dead_letter_and_its_user_is_told() {
    let table = AwsProxy::start(move |call, _| {
        if call == "TransactWriteItems" { error(400, "ValidationException") } else { Treatment::Forward }
    })
    .await;
    let bot = Bot::with(&[("AWS_ENDPOINT_URL_DYNAMODB", &table.url)]).await;
    bot.hears("all you know").await;
    assert!(bot.says(1).await[0].texts[0].starts_with("Sorry"));
    assert_eq!(reasons(&bot, 1).await[USER], "storage_failed");
    assert_eq!(bot.model.asked().len(), 1);
    bot.ends().await;
}

#[tokio::test]
async fn while_the_table_takes_no_answer_the_time_to_give_up_stands_still() {
    let takes = Arc::new(AtomicBool::new(false));
    let is_open = takes.clone();
    let table = AwsProxy::start(move |call, _| {
        let refuses = call == "TransactWriteItems" && !is_open.load(Relaxed);
        if refuses {
            error(400, "com.amazon.coral.availability#ThrottlingException")
        } else {
            Treatment::Forward
        }
    })
    .await;
    // The pause after the first attempt alone is twice as long.
    let variables = [("AWS_ENDPOINT_URL_DYNAMODB", table.url.as_str()), ("GIVE_UP_AFTER_SECONDS", "5")];
    let bot = Bot::with(&variables).await;
    bot.hears("hi").await;
    let failed = async || bot.cloud.rows().await.iter().any(|row| row.contains_key("failed"));
    while !failed().await {
        sleep(Duration::from_millis(20)).await;
    }
    takes.store(true, Relaxed);
    assert_eq!(bot.says(1).await[0].texts, ["answer to hi"]);
    assert_eq!(bot.model.asked().len(), 2);
    bot.ends().await;
}
