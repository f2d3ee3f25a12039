//! A second model on the same server, and the operator's options for each request.

use std::time::Duration;

use emulator::faults::Fault;
use serde_json::{Value, json};
use shared::env::Env;
use worker::config::Config;

use crate::{
    harness::local::{Bot, USER},
    media::{jpeg, picture, sends},
};

const FALLBACK: [(&str, &str); 2] = [("GPT_MODEL", "gpt-5.4"), ("FALLBACK_MODEL", "gpt-5.4-mini")];

fn models(bot: &Bot) -> Vec<Value> {
    bot.model.asked().iter().map(|seen| seen.body["model"].clone()).collect()
}

#[tokio::test]
async fn the_second_model_answers_if_the_first_is_unavailable_and_the_first_rests_after_three_failures() {
    let mut bot = Bot::with(&FALLBACK, |_| {}).await;
    (0..3).for_each(|_| bot.model.plan_error(503, "overloaded"));
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(models(&bot), ["gpt-5.4", "gpt-5.4", "gpt-5.4", "gpt-5.4-mini"]);
    bot.hears("and on").await;
    bot.answers(&["answer to and on"]).await;
    assert_eq!(models(&bot)[4..], ["gpt-5.4-mini"], "the first rests for a minute");
    assert_eq!(bot.attempts(), [1, 1]);
}

#[tokio::test]
async fn the_second_model_answers_at_once_if_the_first_asks_for_a_long_pause_or_is_gone() {
    for fault in [
        Fault::Respond(429, vec![("retry-after", "30".to_owned())], "{}".to_owned()),
        Fault::Respond(404, vec![], json!({ "error": { "code": "model_not_found" } }).to_string()),
    ] {
        let mut bot = Bot::with(&FALLBACK, |_| {}).await;
        bot.model.plan_fault(fault);
        bot.hears("hi").await;
        bot.answers(&["answer to hi"]).await;
        bot.hears("and on").await;
        bot.answers(&["answer to and on"]).await;
        assert_eq!(models(&bot), ["gpt-5.4", "gpt-5.4-mini", "gpt-5.4"]);
    }
}

#[tokio::test]
async fn a_second_model_that_reads_no_images_answers_a_question_after_an_image() {
    let mut bot = Bot::with(&[("GPT_MODEL", "gpt-5.4"), ("FALLBACK_MODEL", "gpt-4")], |_| {}).await;
    sends(&bot, picture(&bot, jpeg(100))).await;
    bot.answers(&["answer to [image] [image/jpeg, 100 bytes]"]).await;
    (0..3).for_each(|_| bot.model.plan_error(503, "overloaded"));
    bot.hears("and now?").await;
    bot.answers(&["answer to and now?"]).await;
    let asked = bot.model.asked();
    let images = |seen: &Value| seen.to_string().matches("data:image/").count();
    assert_eq!(
        (models(&bot)[4].as_str(), images(&asked[3].body), images(&asked[4].body)),
        (Some("gpt-4"), 1, 0)
    );
}

#[tokio::test]
async fn a_second_model_that_does_not_exist_makes_no_fault_of_the_first_one_a_lasting_one() {
    let mut bot = Bot::with(&FALLBACK, |_| {}).await;
    (0..3).for_each(|_| bot.model.plan_error(503, "overloaded"));
    bot.model.plan_error(404, "model_not_found");
    // The first model rests in the next attempt, and is asked all the same if the second cannot answer.
    bot.model.plan_error(404, "model_not_found");
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(models(&bot)[3..], ["gpt-5.4-mini", "gpt-5.4-mini", "gpt-5.4"]);
}

#[tokio::test]
async fn no_refusal_and_no_wrong_request_reaches_the_second_model() {
    for (status, code, reason) in [
        (400, "invalid_request_error", "model_refused"),
        (400, "content_filter", "model_refused"),
        (401, "invalid_api_key", "model_auth"),
        (402, "insufficient_quota", "model_quota"),
    ] {
        let mut bot = Bot::with(&FALLBACK, |_| {}).await;
        bot.model.plan_error(status, code);
        bot.hears("hi").await;
        assert_eq!(bot.says().await.len(), 1);
        assert_eq!(models(&bot), ["gpt-5.4"], "{code}");
        bot.gave_up(reason, "unanswered").await;
    }
}

#[tokio::test]
async fn a_first_model_that_hangs_leaves_time_and_a_paid_call_to_the_second() {
    let mut bot = Bot::with(&FALLBACK, |s| s.job_timeout = Duration::from_secs(4)).await;
    bot.model.plan_fault(Fault::Hang);
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(models(&bot), ["gpt-5.4", "gpt-5.4-mini"]);

    // Each call that answers 200 is paid for. The third one is the second model's.
    let mut bot = Bot::with(&FALLBACK, |_| {}).await;
    (0..5).for_each(|_| bot.model.plan_completion(json!({ "content": "" }), "stop"));
    bot.hears("hi").await;
    assert!(bot.says().await[0].starts_with("Sorry"));
    assert_eq!(models(&bot), ["gpt-5.4", "gpt-5.4", "gpt-5.4-mini"]);
}

#[tokio::test]
async fn a_message_that_was_unsent_meanwhile_is_not_asked_of_the_second_model() {
    let mut bot = Bot::with(&FALLBACK, |s| s.job_timeout = Duration::from_secs(4)).await;
    bot.model.plan_fault(Fault::Hang);
    let mut webhook = cli::commands::send::webhook_of("hi", USER);
    webhook["events"][0]["message"]["id"] = "4711".into();
    assert_eq!(bot.posts(webhook.to_string()).await, 200);
    bot.until("it is asked", async || bot.model.asked().len() == 1).await;
    let mut unsend = cli::commands::send::webhook_of("", USER);
    unsend["events"][0]["type"] = "unsend".into();
    unsend["events"][0]["unsend"] = json!({ "messageId": "4711" });
    unsend["events"][0].as_object_mut().unwrap().remove("message");
    assert_eq!(bot.posts(unsend.to_string()).await, 200);
    assert_eq!(bot.says().await, Vec::<String>::new());
    assert_eq!(models(&bot), ["gpt-5.4"]);
}

#[tokio::test]
async fn the_operators_options_are_in_each_request() {
    let options = r#"{"reasoning_effort":"low","temperature":0.5}"#;
    let mut bot = Bot::with(&[("MODEL_OPTIONS", options)], |_| {}).await;
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    let body = &bot.model.asked()[0].body;
    assert_eq!((&body["reasoning_effort"], &body["temperature"]), (&json!("low"), &json!(0.5)));
    assert!(body["safety_identifier"].is_null(), "other servers refuse unknown fields");
}

#[test]
fn settings_of_the_models_that_cannot_be_used_are_refused() {
    for (name, value, says) in [
        ("MODEL_OPTIONS", "low", "JSON object"),
        ("MODEL_OPTIONS", "[]", "JSON object"),
        ("MODEL_OPTIONS", r#"{"model":"x"}"#, "must not contain model"),
        ("MODEL_OPTIONS", r#"{"messages":[]}"#, "must not contain messages"),
        ("MODEL_OPTIONS", r#"{"max_tokens":1}"#, "must not contain max_tokens"),
        ("FALLBACK_MODEL", "gpt-5.4-mini", "another model"),
    ] {
        let error =
            Config::from_env(&Env::of([(name.to_owned(), value.to_owned())])).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(says), "{error}");
    }
}
