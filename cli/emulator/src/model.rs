//! A chat-completions server: it answers with words of its own, or passes questions on to a real server, and
//! misbehaves on demand.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::HeaderMap,
    middleware::{Next, from_fn_with_state},
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};

use self::{
    error::{error, refusal},
    upstream::Upstream,
};
use crate::{
    faults::{Fault, FaultPlan, Seen},
    lock::lock,
    respond::respond,
};

mod error;
mod friend;
pub mod hear;
pub mod see;
mod upstream;

pub use self::upstream::{Call, Requests};

/// The one path that questions come by.
pub const COMPLETIONS: &str = "/v1/chat/completions";
/// The one that voices come by.
pub const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";
/// Longer than what either may carry, so that what is too long is refused in the server's own words.
const BODY_MAX: usize = 64 << 20;

/// A chat-completions server.
pub struct Model {
    /// What it does wrong, and what it was asked.
    pub faults: FaultPlan,
    think: Mutex<Duration>,
    mind: Mind,
}

type Words = Box<dyn Fn(&[Value]) -> String + Send + Sync>;

/// Where its answers come from.
enum Mind {
    /// What it says to the messages of a request.
    Words(Words),
    /// A real server, which it only stands before.
    Server(Upstream),
}

impl Model {
    /// One that says `words` of the request's messages, after thinking for `think`.
    pub fn new(think: Duration, words: impl Fn(&[Value]) -> String + Send + Sync + 'static) -> Arc<Self> {
        Self::with(think, Mind::Words(Box::new(words)))
    }

    /// The one of `henji dev`.
    pub fn offline(think: Duration) -> Arc<Self> {
        Self::new(think, friend::words)
    }

    /// A real server, whose requests are made so; it can be made to fail as well.
    pub fn before(requests: Requests) -> Arc<Self> {
        Self::with(Duration::ZERO, Mind::Server(Upstream(requests)))
    }

    fn with(think: Duration, mind: Mind) -> Arc<Self> {
        Arc::new(Self { faults: FaultPlan::default(), think: think.into(), mind })
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
        self.does(Fault::Respond(
            200,
            vec![],
            completion(&message, finish_reason, &usage(&[], "")).to_string(),
        ));
    }

    /// The next question gets this error status, with `code` in a body as OpenAI writes it.
    pub fn fails(&self, status: u16, code: &str) {
        self.does(Fault::Respond(status, vec![], error(code).to_string()));
    }

    /// The next question is treated so.
    pub fn does(&self, fault: Fault) {
        self.faults.will(COMPLETIONS, fault);
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Seen> {
        self.faults.seen(COMPLETIONS)
    }

    /// Its paths, below a base URL's `/v1`.
    pub fn router(self: Arc<Self>) -> Router {
        let passed = async |State(model): State<Arc<Self>>, request: Request, next: Next| {
            model.faults.pass(request, next).await
        };
        Router::new()
            .route(COMPLETIONS, post(complete))
            .route("/v1/models", get(list))
            .route("/v1/models/{model}", get(look_up))
            .layer(from_fn_with_state(self.clone(), passed))
            .route(TRANSCRIPTIONS, post(transcribe))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(self)
    }
}

async fn list(State(model): State<Arc<Model>>, headers: HeaderMap) -> Response {
    match &model.mind {
        Mind::Words(_) => respond(200, &[], json!({ "object": "list", "data": [] }).to_string()),
        Mind::Server(server) => server.pass_on(Call::Models, &headers, None).await,
    }
}

async fn look_up(State(model): State<Arc<Model>>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match &model.mind {
        Mind::Words(_) => respond(200, &[], json!({ "id": name, "object": "model" }).to_string()),
        Mind::Server(server) => server.pass_on(Call::Model(&name), &headers, None).await,
    }
}

async fn transcribe(State(model): State<Arc<Model>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = hear::form(&headers, body.clone()).await;
    let behaved = async || {
        if !is_authorized(&headers) {
            return refusal(401, "invalid_api_key");
        }
        let think = *lock(&model.think);
        tokio::time::sleep(think).await;
        match &model.mind {
            Mind::Words(_) => hear::answer(&form),
            Mind::Server(server) => {
                server.pass_on(Call::Transcription(form.model()), &headers, Some(body.clone())).await
            }
        }
    };
    let shown = Bytes::from(form.shown().to_string());
    model.faults.apply(TRANSCRIPTIONS, &headers, &shown, behaved).await
}

fn is_authorized(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|v| v.as_bytes().starts_with(b"Bearer "))
}

async fn complete(State(model): State<Arc<Model>>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_authorized(&headers) {
        return refusal(401, "invalid_api_key");
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(messages) = request["messages"].as_array() else {
        return refusal(400, "invalid_request_error");
    };
    let think = *lock(&model.think);
    tokio::time::sleep(think).await;
    match &model.mind {
        Mind::Words(words) => {
            if let Some(refusal) = see::refusal(&request) {
                return refusal;
            }
            let answer = words(messages);
            let usage = usage(messages, &answer);
            let message = json!({ "role": "assistant", "content": answer });
            respond(200, &[], completion(&message, "stop", &usage).to_string())
        }
        Mind::Server(server) => server.pass_on(Call::Completion, &headers, Some(body.clone())).await,
    }
}

/// It has no tokenizer: a token is taken for three bytes.
fn usage(messages: &[Value], answer: &str) -> Value {
    let asked: usize = messages.iter().map(|message| see::said(message).len()).sum();
    let (asked, answered) = (asked.div_ceil(3), answer.len().div_ceil(3));
    json!({ "prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered })
}

fn completion(message: &Value, finish_reason: &str, usage: &Value) -> Value {
    json!({
        "id": "chatcmpl-standin", "object": "chat.completion", "created": 0, "model": "standin",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason }],
        "usage": usage,
    })
}
