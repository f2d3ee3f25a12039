use std::time::{Duration, Instant};

use emulator::faults::Fault;
use serde_json::json;

use crate::harness::local::{Bot, USER};

fn status(status: u16, headers: &[(&'static str, &str)]) -> Fault {
    Fault::Respond(status, headers.iter().map(|(n, v)| (*n, (*v).to_owned())).collect(), String::new())
}

#[tokio::test]
async fn a_passing_fault_is_tried_again_and_the_user_hears_only_the_answer() {
    let faults = [
        status(429, &[]),
        status(429, &[("retry-after", "0.05")]),
        status(500, &[]),
        status(503, &[]),
        status(408, &[]),
        Fault::Reset,
        Fault::Respond(200, vec![], "<html>not json</html>".into()),
        Fault::Respond(200, vec![], r#"{"choices":[]}"#.into()),
        Fault::Respond(
            200,
            vec![],
            r#"{"choices":[{"message":{"content":"half an ans"},"finish_reason":"error","error":{"code":502}}]}"#
                .into(),
        ),
        Fault::Respond(
            200,
            vec![],
            r#"{"choices":[{"message":{"content":""},"finish_reason":"stop"}]}"#.into(),
        ),
    ];
    for fault in faults {
        let mut bot = Bot::start().await;
        let shown = format!("{fault:?}");
        bot.model.plan_fault(fault);
        bot.hears("hi").await;
        assert_eq!(bot.says().await, ["answer to hi"], "{shown}");
        assert_eq!(bot.model.asked().len(), 2, "{shown}");
        assert_eq!(bot.attempts(), [1], "a short fault needs no second attempt: {shown}");
    }
}

#[tokio::test]
async fn a_fault_that_lasts_is_tried_in_further_attempts() {
    let mut bot = Bot::start().await;
    for _ in 0..7 {
        bot.model.plan_error(500, "server_error");
    }
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    assert_eq!(bot.model.asked().len(), 8);
    assert_eq!(bot.attempts(), [3]);
}

#[tokio::test]
async fn retry_after_is_kept_to_within_an_attempt_and_between_attempts() {
    let mut bot = Bot::start().await;
    bot.model.plan_fault(status(429, &[("retry-after", "1")]));
    bot.hears("hi").await;
    bot.answers(&["answer to hi"]).await;
    let asked = bot.model.asked();
    assert!(asked[1].at - asked[0].at >= Duration::from_secs(1));

    bot.model.plan_fault(status(429, &[("retry-after", "0")]));
    bot.hears("at once").await;
    bot.answers(&["answer to at once"]).await;
    let asked = bot.model.asked();
    assert!(asked[3].at - asked[2].at >= Duration::from_millis(20), "not faster than by itself");

    bot.model.plan_fault(status(429, &[("retry-after", "6")]));
    bot.hears("again").await;
    bot.until("it waits", async || bot.model.asked().len() == 5 && bot.health().await["queued"] == 1).await;
    assert_eq!(bot.health().await["in_flight"], 0);
    bot.answers(&["answer to again"]).await;
    let asked = bot.model.asked();
    assert!(asked[5].at - asked[4].at >= Duration::from_millis(5_900));
}

#[tokio::test]
async fn a_model_that_never_answers_is_given_up_before_the_deadline() {
    let mut bot = Bot::with(&[("MAX_ATTEMPTS", "2")], |s| s.job_timeout = Duration::from_secs(1)).await;
    bot.model.plan_fault(Fault::Hang);
    bot.model.plan_fault(Fault::Hang);
    let started = Instant::now();
    bot.hears("hi").await;
    let said = bot.says().await;
    assert!(said.len() == 1 && said[0].starts_with("Sorry"), "{said:?}");
    // At most a fifth of the time is reserved.
    assert!(started.elapsed() >= Duration::from_millis(1_600));
    bot.gave_up("model_unavailable", "unanswered").await;
}

#[tokio::test]
async fn an_answer_that_was_cut_says_so_and_is_remembered_without_the_remark() {
    let mut bot = Bot::start().await;
    bot.model.plan_completion(json!({ "content": "Once upon a" }), "length");
    bot.hears("a story").await;
    let said = bot.says().await;
    assert!(said[0].starts_with("Once upon a\n\n(") && said[0].contains("cut"), "{said:?}");
    assert_eq!(bot.messages()[1], ("assistant".to_owned(), "Once upon a".to_owned()));
}

#[tokio::test]
async fn a_model_that_only_thought_is_asked_once_more_with_four_times_the_limit() {
    let mut bot = Bot::start().await;
    bot.model.plan_completion(json!({ "content": "" }), "length");
    bot.model.plan_answer("after all");
    bot.hears("hard").await;
    bot.answers(&["after all"]).await;
    let limit = "max_completion_tokens";
    let limits: Vec<_> = bot.model.asked().iter().map(|seen| seen.body[limit].clone()).collect();
    assert_eq!(limits, [4096, 16_384]);

    // The limit is the rest of the context, where that is less.
    let mut small =
        Bot::with(&[("MAX_TOKENS", "200"), ("CONTEXT_TOKENS", "500"), ("SYSTEM_PROMPT", "s")], |_| {}).await;
    small.model.plan_completion(json!({ "content": "" }), "length");
    small.hears("hard").await;
    small.answers(&["answer to hard"]).await;
    let limits: Vec<_> = small.model.asked().iter().map(|seen| seen.body[limit].clone()).collect();
    assert_eq!(limits, [200, 500 - 3 - 5 - 5]);

    bot.model.plan_completion(json!({ "content": null }), "length");
    bot.model.plan_completion(json!({ "content": null }), "length");
    bot.hears("harder").await;
    let said = bot.says().await;
    assert!(said.len() == 1 && said[0].starts_with("Sorry"), "{said:?}");
    bot.gave_up("model_refused", "unanswered").await;
}

#[tokio::test]
async fn a_context_that_is_too_long_for_the_server_loses_its_oldest_turns() {
    let mut bot = Bot::start().await;
    for text in ["one", "two", "three"] {
        bot.hears(text).await;
        bot.drain().await;
    }
    bot.says().await;
    bot.model.plan_error(400, "context_length_exceeded");
    // This is the same error in llama.cpp's words.
    let too_long = json!({ "error": { "code": 400, "type": "exceed_context_size_error", "n_ctx": 4096,
        "message": "request (4390 tokens) exceeds the available context size (4096 tokens)" } });
    bot.model.plan_fault(Fault::Respond(400, vec![], too_long.to_string()));
    bot.hears("four").await;
    bot.answers(&["answer to four"]).await;
    let lengths: Vec<_> =
        bot.model.asked()[3..].iter().map(|s| s.body["messages"].as_array().unwrap().len()).collect();
    // The size that the second error names has room for the turns that are left.
    assert_eq!(lengths, [8, 4, 8]);
    // With nothing left to drop, the user gets a notice, and there is no dead letter.
    for _ in 0..3 {
        bot.model.plan_error(400, "context_length_exceeded");
    }
    bot.hears_from("U2", "huge").await;
    assert!(bot.says().await[0].contains("too long"));
    assert_eq!(bot.health().await["dead_letters"], 0);
    bot.model.faults.behave();
}

#[tokio::test]
async fn what_no_retry_mends_is_a_dead_letter_at_once_and_the_user_is_told_once() {
    for (status, code, reason) in [
        (401, "invalid_api_key", "model_auth"),
        (403, "unsupported_country", "model_auth"),
        (429, "insufficient_quota", "model_quota"),
        (402, "invalid_request_error", "model_quota"),
        (404, "model_not_found", "model_gone"),
        (400, "invalid_request_error", "model_refused"),
    ] {
        let mut bot = Bot::start().await;
        bot.model.plan_error(status, code);
        bot.hears("hi").await;
        let sent = bot.sends().await;
        assert_eq!(sent.len(), 1, "{code}");
        assert!(sent[0].texts[0].starts_with("Sorry") && sent[0].to == USER, "{code}");
        assert_eq!(bot.model.asked().len(), 1, "{code}");
        bot.gave_up(reason, "unanswered").await;
        bot.hears("next").await;
        bot.answers(&["answer to next"]).await;
    }
    let mut bot = Bot::start().await;
    bot.model.plan_completion(json!({ "content": null, "refusal": "I will not" }), "stop");
    bot.hears("bad").await;
    assert!(bot.says().await[0].contains("differently"));
    bot.gave_up("model_refused", "unanswered").await;
}

#[tokio::test]
async fn the_token_limit_is_sent_under_the_name_that_the_model_takes() {
    let mut bot = Bot::with(&[("GPT_MODEL", "llama3")], |_| {}).await;
    let refusal = json!({ "error": { "param": "max_tokens", "code": "unsupported_parameter",
        "message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead." } });
    bot.model.plan_fault(Fault::Respond(400, vec![], refusal.to_string()));
    bot.hears("hi").await;
    bot.hears("and on").await;
    bot.answers(&["answer to hi", "answer to and on"]).await;
    let names: Vec<_> = bot.model.asked().iter().map(|s| s.body["max_completion_tokens"].is_null()).collect();
    assert_eq!(names, [true, false, false], "it is learned once");

    // A server that refuses both names changes nothing for later calls.
    let mut bot = Bot::with(&[("GPT_MODEL", "llama3")], |_| {}).await;
    for name in ["max_tokens", "max_completion_tokens"] {
        let refusal = json!({ "error": { "param": name, "message": "unknown field" } });
        bot.model.plan_fault(Fault::Respond(400, vec![], refusal.to_string()));
    }
    bot.hears("hi").await;
    bot.gave_up("model_refused", "unanswered").await;
    bot.hears("and on").await;
    bot.drain().await;
    let names: Vec<_> = bot.model.asked().iter().map(|s| s.body["max_completion_tokens"].is_null()).collect();
    assert_eq!(names, [true, false, true]);
    bot.says().await;

    let mut newer = Bot::with(&[("GPT_MODEL", "gpt-5-mini")], |_| {}).await;
    newer.hears("hi").await;
    newer.answers(&["answer to hi"]).await;
    assert_eq!(newer.model.asked()[0].body["max_completion_tokens"], 4096);
    assert!(newer.model.asked()[0].body["max_tokens"].is_null());
}
