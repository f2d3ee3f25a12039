//! Azure OpenAI: an emulator that accepts only Azure's own addresses and header, and refuses in Azure's words
//! (Microsoft, "Azure OpenAI in Microsoft Foundry Models REST API reference").

use std::{
    collections::VecDeque,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    local::{Bot, SECRET, host},
    log_lines::{Kind, lines_of},
    process::{Serve, henji},
};

const VERSION: &str = "api-version=2024-10-21";

/// The status, headers and body of a refusal.
type Refusal = (u16, Vec<(&'static str, &'static str)>, Value);

#[derive(Default)]
struct Azure {
    will: Mutex<VecDeque<Refusal>>,
    asked: Mutex<Vec<Value>>,
}

fn error(code: &str, message: &str) -> Value {
    json!({ "error": { "code": code, "message": message } })
}

impl Azure {
    fn refuses(&self, status: u16, headers: &[(&'static str, &'static str)], body: Value) {
        self.will.lock().unwrap().push_back((status, headers.to_vec(), body));
    }

    fn questions(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|body| body["safety_identifier"].is_null()).count()
    }

    fn answer(&self, path: &str, query: Option<&str>, key: Option<&str>, body: &Value) -> (u16, Value) {
        let not_found = || (404, error("404", "Resource not found"));
        if key != Some("an-api-key") {
            return (
                401,
                error("401", "Access denied due to invalid subscription key or wrong API endpoint."),
            );
        }
        if query != Some(VERSION) {
            return not_found();
        }
        if path == "/openai/models" {
            return (200, json!({ "data": [] }));
        }
        let Some((deployment, operation)) =
            path.strip_prefix("/openai/deployments/").and_then(|rest| rest.split_once('/'))
        else {
            return not_found();
        };
        if ![("mine", "chat/completions"), ("ears", "audio/transcriptions")]
            .contains(&(deployment, operation))
        {
            return (
                404,
                error("DeploymentNotFound", "The API deployment for this resource does not exist."),
            );
        }
        if deployment == "ears" {
            return (400, error("invalid_request_error", "Required parameter: 'file'"));
        }
        let Some(question) = body["messages"].as_array().and_then(|messages| messages.last()) else {
            return (400, error("invalid_request_error", "[] is too short - 'messages'"));
        };
        self.asked.lock().unwrap().push(body.clone());
        if !body["safety_identifier"].is_null() {
            return (400, error("", "Unrecognized request argument supplied: safety_identifier"));
        }
        let answer = format!("Azure says {}", question["content"].as_str().unwrap());
        let choice = json!({
            "index": 0, "finish_reason": "stop", "content_filter_results": {},
            "message": { "role": "assistant", "content": answer },
        });
        (200, json!({ "choices": [choice], "prompt_filter_results": [], "usage": { "prompt_tokens": 9 } }))
    }
}

async fn serve(State(azure): State<Arc<Azure>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    assert!(!head.headers.contains_key("authorization"), "Azure's key has a header of its own");
    let is_question = head.uri.path().ends_with("/chat/completions");
    if let Some((status, headers, body)) =
        is_question.then(|| azure.will.lock().unwrap().pop_front()).flatten()
    {
        let mut response =
            (axum::http::StatusCode::from_u16(status).unwrap(), body.to_string()).into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        return response;
    }
    let key = head.headers.get("api-key").and_then(|key| key.to_str().ok());
    let body = serde_json::from_slice(&body).unwrap_or_default();
    let (status, body) = azure.answer(head.uri.path(), head.uri.query(), key, &body);
    (axum::http::StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

async fn azure() -> (Arc<Azure>, String) {
    let azure = Arc::new(Azure::default());
    let origin = host(Router::new().fallback(serve).with_state(azure.clone())).await;
    (azure, origin)
}

fn url(origin: &str, deployment: &str) -> String {
    format!("{origin}/openai/deployments/{deployment}/chat/completions?{VERSION}")
}

#[tokio::test]
async fn a_deployment_on_azure_answers_at_the_address_that_its_portal_shows() {
    let (azure, origin) = azure().await;
    let mut bot =
        Bot::with(&[("OPENAI_BASE_URL", &url(&origin, "mine")), ("GPT_MODEL", "gpt-4o")], |_| {}).await;
    bot.hears("hi").await;
    bot.answers(&["Azure says hi"]).await;
    bot.hears("and on").await;
    bot.answers(&["Azure says and on"]).await;
    let asked = azure.asked.lock().unwrap().clone();
    assert!(asked[0].get("prompt_cache_key").is_none(), "a field that older versions refuse");
    let persons: Vec<_> = asked.iter().map(|body| body["safety_identifier"].is_null()).collect();
    assert_eq!(persons, [false, true, true], "older versions refuse it, which is learned once");
}

#[tokio::test]
async fn azures_refusals_are_told_apart() {
    let (azure, origin) = azure().await;
    let mut bot = Bot::with(&[("OPENAI_BASE_URL", &url(&origin, "mine"))], |_| {}).await;
    // Azure also sends the wait in milliseconds: a wait in seconds would be longer than this attempt's own pauses.
    let busy = error("RateLimitReached", "Requests have exceeded the call rate limit. Please retry.");
    azure.refuses(429, &[("retry-after-ms", "30"), ("retry-after", "86400")], busy);
    bot.hears("hi").await;
    bot.answers(&["Azure says hi"]).await;
    assert_eq!(bot.attempts(), [1]);

    let mut filtered = error("content_filter", "The response was filtered due to the prompt triggering …");
    filtered["error"]["param"] = "prompt".into();
    filtered["error"]["innererror"] = json!({ "code": "ResponsibleAIPolicyViolation" });
    azure.refuses(400, &[], filtered);
    bot.hears("something terrible").await;
    bot.gave_up("model_refused", "unanswered").await;
    assert_eq!(azure.questions(), 1, "what is filtered is not asked again");
}

#[tokio::test]
async fn a_deployment_that_is_not_there_is_a_model_that_is_gone() {
    let (_azure, origin) = azure().await;
    let bot = Bot::with(&[("OPENAI_BASE_URL", &url(&origin, "another"))], |_| {}).await;
    bot.hears("hi").await;
    bot.gave_up("model_gone", "unanswered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_start_says_that_a_deployment_is_not_there_and_is_silent_where_it_is() {
    let (azure, origin) = azure().await;
    for (deployment, is_gone) in [("another", true), ("mine", false)] {
        let data = TempDir::new().unwrap();
        let mut variables = crate::harness::local::variables("http://127.0.0.1:9", "http://127.0.0.1:9");
        variables.push(("OPENAI_BASE_URL".into(), url(&origin, deployment)));
        let serve = Serve::start(data.path(), &variables).await;
        for _ in 0..500 {
            if !is_gone || !lines_of(&serve.log(), Kind::ModelGone).is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(!lines_of(&serve.log(), Kind::ModelGone).is_empty(), is_gone, "{}", serve.log());
        assert_eq!(serve.terminate(), 0);
    }
    assert_eq!(azure.questions(), 0, "to look costs nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_and_secrets_check_ask_azure_and_say_what_it_said() {
    let (_azure, origin) = azure().await;
    let run = |args: &[&str], deployment: &str, key: &str| {
        let mut command = Command::new(henji());
        command.args(args).env_clear().stdin(Stdio::null()).env("OPENAI_BASE_URL", url(&origin, deployment));
        command.env("LINE_API_BASE_URL", "http://127.0.0.1:9").env("LINE_CHANNEL_SECRET", SECRET);
        if deployment == "mine" {
            command.env("TRANSCRIBE_MODEL", "ears");
        }
        command.env("OPEN_AI_API_KEY", key).env("LINE_CHANNEL_ACCESS_TOKEN", "an-access-token");
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let check = |args: &[&str], deployment: &str, key: &str, line: String| {
        let out = run(args, deployment, key);
        assert!(out.lines().any(|said| said.starts_with(&line)), "{line}\n{out}");
        assert!(!out.contains("an-api-key") && !out.contains("wrong-key"), "{out}");
    };
    let (key, base) = ("OPEN_AI_API_KEY", format!("{origin}/openai"));
    let secrets = ["secrets", "check"];
    check(&secrets, "mine", "an-api-key", format!("ok      {key}: {base} takes it"));
    check(&secrets, "mine", "wrong-key", format!("BROKEN  {key}: {base} refuses the key: status 401"));
    let doctor = ["doctor", "--url", "http://127.0.0.1:9"];
    check(&doctor, "mine", "an-api-key", format!("ok      model: {base} knows deployment mine"));
    check(&doctor, "another", "an-api-key", format!("BROKEN  model: {base} knows no deployment another"));
    check(&doctor, "mine", "an-api-key", format!("ok      voice: {base} knows deployment ears"));
    // The default model for voices is no deployment unless somebody makes one.
    let deaf = format!("BROKEN  voice: {base} knows no deployment gpt-transcribe");
    check(&doctor, "another", "an-api-key", deaf);
}
