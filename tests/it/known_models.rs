//! The knowledge of a model, and its server's word on it: `henji doctor`, `henji secrets check`, and the start.

use std::{collections::HashMap, process::Stdio, sync::Arc};

use axum::{Router, extract::Request, http::StatusCode, response::IntoResponse};
use emulator::faults::Fault;
use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use tempfile::TempDir;
use worker::clock::wall_clock;

use crate::harness::{
    local::{Bot, host},
    log_lines::{Kind, lines_of},
    process::henji,
    secrecy::{logged_since, logged_so_far},
};

/// Starts a model's server with these pages; all others are missing.
async fn server(pages: &[(&str, u16, Value)]) -> String {
    let pages: HashMap<String, (u16, String)> =
        pages.iter().map(|(path, status, body)| ((*path).to_owned(), (*status, body.to_string()))).collect();
    let pages = Arc::new(pages);
    let router = Router::new().fallback(async move |request: Request| {
        let (status, body) = pages.get(request.uri().path()).cloned().unwrap_or((404, String::new()));
        (StatusCode::from_u16(status).unwrap(), body).into_response()
    });
    host(router).await
}

/// Returns the report of a command about the model of this name.
async fn report(command: &[&str], origin: &str, model: &str, further: &[(&str, &str)]) -> Vec<Value> {
    let folder = TempDir::new().unwrap();
    let mut henji = tokio::process::Command::new(henji());
    henji.args(command).arg("--json").arg("--data").arg(folder.path()).current_dir(folder.path());
    henji.env_clear().env("OPENAI_BASE_URL", format!("{origin}/v1")).stdin(Stdio::null());
    henji.envs([("OPEN_AI_API_KEY", "a-key"), ("GPT_MODEL", model), ("TRANSCRIBE_MODEL", "off")]);
    let ended = henji.envs(further.iter().copied()).output().await.unwrap();
    serde_json::from_slice(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
}

fn finding<'a>(all: &'a [Value], what: &str) -> Option<&'a Value> {
    all.iter().find(|finding| finding["what"] == what)
}

fn in_days(days: i64) -> Date {
    wall_clock()().to_zoned(TimeZone::UTC).date().checked_add(days.days()).unwrap()
}

#[tokio::test]
async fn the_doctor_compares_the_context_with_the_servers_word_in_each_servers_form() {
    let list = |entry: Value| ("/v1/models", 200, json!({ "object": "list", "data": [entry] }));
    let vllm = server(&[list(json!({ "id": "llama3", "max_model_len": 8_192 }))]).await;
    let openrouter = server(&[list(json!({ "id": "llama3", "context_length": 8_192 }))]).await;
    let entry = json!({ "model_name": "llama3", "model_info": { "max_input_tokens": 8_192 } });
    let litellm =
        server(&[list(json!({ "id": "llama3" })), ("/v1/model/info", 200, json!({ "data": [entry] }))]).await;
    let props = json!({ "default_generation_settings": { "n_ctx": 8_192 }, "total_slots": 1 });
    let llama_cpp = server(&[list(json!({ "id": "a.gguf" })), ("/props", 200, props)]).await;
    for (origin, name) in
        [(vllm, "vLLM"), (openrouter, "OpenRouter"), (litellm, "LiteLLM"), (llama_cpp, "llama.cpp")]
    {
        for (set, verdict, says) in [
            ("", "note", "up to 32768 tokens, which is a guess"),
            ("8192", "ok", "gives llama3 8192"),
            ("4096", "ok", "gives llama3 8192"),
            ("16384", "broken", "gives llama3 only 8192"),
        ] {
            let all = report(&["doctor"], &origin, "llama3", &[("CONTEXT_TOKENS", set)]).await;
            let context = finding(&all, "context").unwrap();
            assert_eq!(context["verdict"], verdict, "{name} {set}: {context}");
            assert!(context["says"].as_str().unwrap().contains(says), "{name} {set}: {context}");
        }
    }
    let silent = server(&[list(json!({ "id": "llama3" }))]).await;
    let all = report(&["doctor"], &silent, "llama3", &[]).await;
    let context = finding(&all, "context").unwrap();
    assert!(context["says"].as_str().unwrap().contains("32768 tokens, which is a guess"), "{context}");
    assert!(context["fix"].as_str().unwrap().contains("CONTEXT_TOKENS"), "{context}");
    let all = report(&["doctor"], &silent, "llama3", &[("CONTEXT_TOKENS", "8192")]).await;
    assert!(finding(&all, "context").is_none(), "the operator knows it: {all:?}");
    let known = server(&[list(json!({ "id": "gpt-5.4-mini" }))]).await;
    assert!(finding(&report(&["doctor"], &known, "gpt-5.4-mini", &[]).await, "context").is_none());
}

#[tokio::test]
async fn a_model_that_only_its_server_knows_gets_prompts_of_the_servers_context() {
    let bot = Bot::with(&[("GPT_MODEL", "llama3")], |_| {}).await;
    let models = json!({ "data": [{ "id": "llama3", "max_model_len": 1_000_000 }] }).to_string();
    bot.model.faults.set_fault("/v1/models", Some(&Fault::Respond(200, vec![], models)), false);
    let long = "word ".repeat(4_000);
    for n in 0..6 {
        bot.hears(&format!("{n} {long}")).await;
        bot.drain().await;
    }
    let last = bot.model.asked().last().unwrap().body.clone();
    assert_eq!(last["messages"].as_array().unwrap().len(), 12, "44,000 tokens of earlier messages are there");
    assert_eq!(bot.model.faults.seen("/v1/models").len(), 1, "the server is asked once");
}

#[tokio::test]
async fn the_servers_word_about_the_end_of_a_model_is_repeated_ninety_days_before_it() {
    for (days, verdict) in [(91, None), (89, Some("note")), (0, Some("broken")), (-1, Some("broken"))] {
        let end = in_days(days);
        let model = json!({ "id": "m", "object": "model", "shutdown_date": end.to_string() });
        let origin =
            server(&[("/v1/models/m", 200, model), ("/v1/models", 200, json!({ "data": [] }))]).await;
        for command in [&["doctor"][..], &["secrets", "check"]] {
            let all = report(command, &origin, "m", &[]).await;
            let found = finding(&all, "model").filter(|finding| finding["verdict"] != "ok");
            assert_eq!(found.map(|finding| finding["verdict"].as_str().unwrap()), verdict, "{days}: {all:?}");
            let says = found.map_or("", |finding| finding["says"].as_str().unwrap());
            assert_eq!(says.contains(&end.to_string()), verdict.is_some(), "{says}");
        }
    }
    // A server that has announced nothing, and one that writes something else.
    for end in [json!(null), json!("soon"), json!(1_800_000_000)] {
        let model = json!({ "id": "m", "shutdown_date": end });
        let origin =
            server(&[("/v1/models/m", 200, model), ("/v1/models", 200, json!({ "data": [] }))]).await;
        let all = report(&["doctor"], &origin, "m", &[]).await;
        assert_eq!(finding(&all, "model").unwrap()["verdict"], "ok", "{all:?}");
    }
}

#[tokio::test]
async fn a_server_that_answers_is_never_called_not_reachable() {
    for (status, fix) in [
        (400, "refuses the request itself"),
        (402, "no money"),
        (404, "no such path"),
        (418, "refuses the request itself"),
        (429, "no more requests"),
        (500, "a fault or too much to do"),
        (503, "a fault or too much to do"),
    ] {
        let of_key = server(&[("/v1/models", status, json!({ "error": "no" }))]).await;
        let of_model =
            server(&[("/v1/models", 200, json!({ "data": [] })), ("/v1/models/m", status, json!({}))]).await;
        for (what, origin) in [("OPEN_AI_API_KEY", of_key), ("model", of_model)] {
            let all = report(&["doctor"], &origin, "m", &[]).await;
            let found = finding(&all, what).unwrap();
            let text = found.to_string();
            assert!(!text.contains("not reachable"), "{text}");
            // A server without a page for the model may answer all the same.
            if (what, status) != ("model", 404) {
                assert!(text.contains(&format!("status {status}")) && text.contains(fix), "{text}");
            }
        }
    }
    let all = report(&["doctor"], "http://127.0.0.1:9", "m", &[]).await;
    assert!(finding(&all, "OPEN_AI_API_KEY").unwrap().to_string().contains("not reachable"), "{all:?}");
}

#[tokio::test]
async fn the_start_warns_of_a_models_end() {
    for (days, warns) in [(91, false), (89, true), (-1, true)] {
        let (name, end) = (format!("ends in {days}"), in_days(days));
        let start = logged_so_far();
        let mut bot =
            Bot::with(&[("GPT_MODEL", &name)], |settings| settings.worker.model.end = Some(end)).await;
        bot.hears("hi").await;
        bot.answers(&["answer to hi"]).await;
        let lines = lines_of(&logged_since(start), Kind::ModelEnds);
        let of_bot: Vec<_> = lines.iter().filter(|line| line["model"] == name.as_str()).collect();
        assert_eq!(of_bot.len(), usize::from(warns), "{days}: {lines:?}");
        if warns {
            assert_eq!(of_bot[0]["end"], end.to_string());
        }
    }
}
