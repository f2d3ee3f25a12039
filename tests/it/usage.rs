//! The usage of the model by each user: counted once with each answer, and listed by `henji usage`.

use cli::commands::send::webhook_of;
use emulator::{faults::Fault, model::Model};
use serde_json::{Value, json};

use crate::harness::{
    lambda,
    local::{Bot, USER},
    operator::Operator,
};

const OTHER: &str = "U4af4980629000000000000000000000b";
/// The prices in the operator's folder, for a million tokens.
const PRICES: &str = "PROMPT_USD_PER_MILLION=2\nCACHED_USD_PER_MILLION=0.5\nCACHE_WRITTEN_USD_PER_MILLION=2.5
COMPLETION_USD_PER_MILLION=8\n";

/// Gives the next answers this usage.
fn costs(model: &Model, answers: usize) {
    let usage = json!({
        "prompt_tokens": 1000, "completion_tokens": 100,
        "prompt_tokens_details": { "cached_tokens": 600, "cache_write_tokens": 200 },
    });
    let choice =
        json!({ "message": { "role": "assistant", "content": "an answer" }, "finish_reason": "stop" });
    for _ in 0..answers {
        model.plan_fault(Fault::Respond(
            200,
            vec![],
            json!({ "choices": [choice], "usage": usage }).to_string(),
        ));
    }
}

/// Asserts that two answers to one person and one to another are listed.
async fn are_listed(operator: &Operator) {
    std::fs::write(operator.folder.path().join(".env"), PRICES).unwrap();
    let listed: Vec<Value> = serde_json::from_str(&operator.runs(&["usage", "--json"]).await.out).unwrap();
    let row = |user: &str, answers: u64, usd: f64| {
        let listed = listed.iter().find(|row| row["user"] == user).unwrap();
        assert!((listed["usd"].as_f64().unwrap() - usd).abs() < 1e-9, "{listed}");
        assert!(listed["day"].as_str().unwrap().starts_with("20"));
        let counts =
            ["answers", "prompt_tokens", "cached_tokens", "cache_written_tokens", "completion_tokens"];
        let counts = counts.map(|name| listed[name].as_u64().unwrap());
        assert_eq!(counts, [answers, 1000 * answers, 600 * answers, 200 * answers, 100 * answers]);
    };
    assert_eq!(listed.len(), 2, "{listed:?}");
    // The price is 200 tokens at 2, 600 at 0.5, 200 at 2.5, 100 at 8.
    row(USER, 2, 0.004);
    row(OTHER, 1, 0.002);

    let table = operator.runs(&["usage"]).await.out;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1], [USER, "2", "2000", "1200", "200", "0.0040"], "who used most comes first");
    assert_eq!(lines[3], ["total", "3", "3000", "1800", "300", "0.0060"]);
    let one = operator.runs(&["usage", "--user", OTHER, "--days", "1"]).await.out;
    let lines: Vec<&str> = one.lines().collect();
    assert!(lines.len() == 3 && lines[1].starts_with("20") && lines[1].ends_with("0.0020"), "{one}");
    let nobody = operator.runs(&["usage", "--user", "nobody"]).await;
    assert!(nobody.code == 0 && nobody.err.contains("is it the id"), "{}", nobody.err);
    assert_eq!(operator.runs(&["usage", "--days", "0"]).await.code, 2);

    // The prices of the default model: 400 tokens at 0.75, 600 at 0.075, 100 at 4.5. An unknown model has none.
    std::fs::write(operator.folder.path().join(".env"), "").unwrap();
    let listed: Vec<Value> = serde_json::from_str(&operator.runs(&["usage", "--json"]).await.out).unwrap();
    assert!(listed.iter().any(|row| (row["usd"].as_f64().unwrap() - 0.000_795).abs() < 1e-9), "{listed:?}");
    std::fs::write(operator.folder.path().join(".env"), "GPT_MODEL=llama3\n").unwrap();
    let listed: Vec<Value> = serde_json::from_str(&operator.runs(&["usage", "--json"]).await.out).unwrap();
    assert!(listed.iter().all(|row| row["usd"].is_null()), "{listed:?}");

    std::fs::write(operator.folder.path().join(".env"), "PROMPT_USD_PER_MILLION=2\n").unwrap();
    let table = operator.runs(&["usage"]).await;
    assert!(table.out.lines().last().unwrap().ends_with(" ?"), "without prices there is no estimate");
    assert!(table.err.contains("COMPLETION_USD_PER_MILLION"), "and what is missing is said: {}", table.err);
}

#[tokio::test]
async fn what_people_used_up_is_listed_on_one_machine() {
    let mut bot = Bot::with(&[("EXEMPT_USERS", OTHER)], |_| {}).await;
    costs(&bot.model, 3);
    bot.hears("one").await;
    bot.hears_from(OTHER, "two").await;
    bot.drain().await;
    let twice = webhook_of("three", USER).to_string();
    for _ in 0..2 {
        assert_eq!(bot.posts(twice.clone()).await, 200);
    }
    bot.hears("help").await;
    bot.drain().await;
    bot.says().await;
    are_listed(&Operator::beside(&bot)).await;
}

#[tokio::test]
async fn what_people_used_up_is_listed_on_aws() {
    let bot = lambda::bot::Bot::start().await;
    costs(&bot.model, 3);
    bot.hears("one").await;
    bot.says(1).await;
    bot.hears_from(OTHER, "two").await;
    bot.says(2).await;
    bot.hears("three").await;
    bot.says(3).await;
    bot.cloud.is_drained().await;
    are_listed(&Operator::of(&bot.cloud, &[])).await;
    bot.ends().await;
}

#[tokio::test]
async fn the_part_of_the_fallback_model_is_listed_beside_the_sum() {
    let mut bot = Bot::with(&[("GPT_MODEL", "gpt-5.4"), ("FALLBACK_MODEL", "gpt-5.4-mini")], |_| {}).await;
    costs(&bot.model, 2);
    bot.hears("one").await;
    bot.hears_from(OTHER, "two").await;
    bot.drain().await;
    bot.model.plan_error(404, "model_not_found");
    costs(&bot.model, 1);
    bot.hears_from(OTHER, "three").await;
    bot.drain().await;
    bot.says().await;
    assert_eq!(
        bot.sql("SELECT role, model FROM messages ORDER BY created_at DESC LIMIT 3"),
        [
            r#"Text("assistant") Text("gpt-5.4-mini")"#,
            r#"Text("user") Null"#,
            r#"Text("assistant") Text("gpt-5.4")"#
        ]
    );
    let operator = Operator::beside(&bot);
    let listed: Vec<Value> = serde_json::from_str(&operator.runs(&["usage", "--json"]).await.out).unwrap();
    let fallback = |user: &str| &listed.iter().find(|row| row["user"] == user).unwrap()["fallback"];
    assert_eq!(*fallback(USER), Value::Null);
    let expected = json!({
        "model": "gpt-5.4-mini", "answers": 1, "prompt_tokens": 1000, "cached_tokens": 600,
        "cache_written_tokens": 200, "completion_tokens": 100,
    });
    assert_eq!(*fallback(OTHER), expected);
    let table = operator.runs(&["usage"]).await.out;
    let lines: Vec<_> = table.lines().rev().map(|line| line.split_whitespace().collect::<Vec<_>>()).collect();
    assert_eq!(lines[0][..8], ["of", "it", "by", "gpt-5.4-mini", "1", "1000", "600", "100"]);
    assert_eq!(lines[1][..5], ["total", "3", "3000", "1800", "300"]);
}

#[tokio::test]
async fn where_nothing_is_there_the_command_says_what_to_name() {
    let bot = Bot::start().await;
    let operator = Operator::beside(&bot);
    let empty = operator.runs(&["usage", "--json"]).await;
    assert_eq!((empty.code, empty.out.trim()), (0, "[]"));
    let elsewhere = crate::harness::process::run(&["usage", "--data", "nowhere"]);
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("there is no nowhere/henji.db"));
}

#[tokio::test]
async fn nobody_is_mistaken_for_the_sum() {
    let mut bot = Bot::start().await;
    bot.hears_from("total", "one").await;
    bot.hears("two").await;
    bot.drain().await;
    bot.says().await;
    let table = Operator::beside(&bot).runs(&["usage"]).await.out;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    let answers: Vec<(&str, &str)> = lines[1..].iter().map(|line| (line[0], line[1])).collect();
    assert!(answers.contains(&("total", "1")) && answers.last() == Some(&("total", "2")), "{table}");
}

#[tokio::test]
async fn a_count_that_no_server_can_mean_spoils_no_sum() {
    let mut bot = Bot::start().await;
    for count in [u64::MAX, 9_000_000_000_000_000_000] {
        let usage = json!({ "prompt_tokens": count, "completion_tokens": count });
        let choice = json!({ "message": { "content": "an answer" }, "finish_reason": "stop" });
        for _ in 0..2 {
            bot.model.plan_fault(Fault::Respond(
                200,
                vec![],
                json!({ "choices": [choice], "usage": usage }).to_string(),
            ));
            bot.hears("hi").await;
            bot.answers(&["an answer"]).await;
        }
    }
    bot.hears("and now?").await;
    bot.answers(&["answer to and now?"]).await;
    assert_eq!(bot.sql("SELECT answers, typeof(tokens) FROM usage"), [r#"Integer(5) Text("integer")"#]);
}
