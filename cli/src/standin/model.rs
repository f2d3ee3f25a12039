//! A stand-in for a chat-completions server. Without a script it answers every question with words of
//! its own that show how much of the conversation it was given.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

use super::{Act, Script, Seen, lock, respond};

const COMPLETIONS: &str = "/v1/chat/completions";

/// The stand-in.
pub struct Model {
    /// What it does wrong, and what it was asked.
    pub script: Script,
    think: Mutex<Duration>,
    words: Words,
}

/// What it says to the messages of a request.
type Words = Box<dyn Fn(&[Value]) -> String + Send + Sync>;

impl Model {
    /// One that says `words` of the request's messages, after thinking for `think`.
    pub fn new(think: Duration, words: impl Fn(&[Value]) -> String + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { script: Script::default(), think: think.into(), words: Box::new(words) })
    }

    /// The one of `henji dev`.
    pub fn offline(think: Duration) -> Arc<Self> {
        Self::new(think, |messages| {
            let question = messages.last().and_then(|m| m["content"].as_str()).unwrap_or_default();
            let before = messages.iter().filter(|m| m["role"] == "user").count().saturating_sub(1);
            format!(
                "「{question}」ですね！😊\n\n(Offline stand-in model: I was also given {before} earlier question(s). Set OPEN_AI_API_KEY for real answers.)"
            )
        })
    }

    /// How long it thinks from now on.
    pub fn thinks(&self, for_: Duration) {
        *lock(&self.think) = for_;
    }

    /// The next question is answered with this.
    pub fn says(&self, text: &str) {
        self.completes(json!({ "content": text }), "stop");
    }

    /// The next question gets this message and `finish_reason`.
    pub fn completes(&self, message: Value, finish_reason: &str) {
        let mut message = message;
        message["role"] = "assistant".into();
        self.does(Act::Respond(200, vec![], completion(&message, finish_reason).to_string()));
    }

    /// The next question gets this error status, with `code` in a body as OpenAI writes it.
    pub fn fails(&self, status: u16, code: &str) {
        let body =
            json!({ "error": { "message": "on purpose", "type": "error", "param": null, "code": code } });
        self.does(Act::Respond(status, vec![], body.to_string()));
    }

    /// The next question is treated so.
    pub fn does(&self, act: Act) {
        self.script.will(COMPLETIONS, act);
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Seen> {
        self.script.seen(COMPLETIONS)
    }

    /// Its paths, below a base URL's `/v1`.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route(COMPLETIONS, post(complete))
            .route("/v1/models/{model}", get(look_up))
            .with_state(self)
    }
}

async fn look_up(State(model): State<Arc<Model>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let path = format!("/v1/models/{name}");
    let behaved = async |_| respond(200, &[], json!({ "id": name, "object": "model" }).to_string());
    model.script.play(&path, &headers, &Bytes::new(), behaved).await
}

async fn complete(State(model): State<Arc<Model>>, headers: HeaderMap, body: Bytes) -> Response {
    let behaved = async |request: Value| {
        if !headers.get("authorization").is_some_and(|v| v.as_bytes().starts_with(b"Bearer ")) {
            return respond(401, &[], json!({ "error": { "code": "invalid_api_key" } }).to_string());
        }
        let Some(messages) = request["messages"].as_array() else {
            return respond(400, &[], json!({ "error": { "code": "invalid_request_error" } }).to_string());
        };
        let think = *lock(&model.think);
        tokio::time::sleep(think).await;
        let message = json!({ "role": "assistant", "content": (model.words)(messages) });
        respond(200, &[], completion(&message, "stop").to_string())
    };
    model.script.play(COMPLETIONS, &headers, &body, behaved).await
}

fn completion(message: &Value, finish_reason: &str) -> Value {
    json!({
        "id": "chatcmpl-standin", "object": "chat.completion", "created": 0, "model": "standin",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason }],
        "usage": { "prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0 },
    })
}
