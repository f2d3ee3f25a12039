//! A chat-completions server. It answers with words of its own, or passes questions on to a real server, and misbehaves
//! on demand.

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

/// The path of questions.
pub const COMPLETIONS: &str = "/v1/chat/completions";
/// The path of recordings of voice.
pub const TRANSCRIPTIONS: &str = "/v1/audio/transcriptions";
/// The largest body that is read, in bytes: more than either path allows, so that the server itself refuses a body
/// that is too long, with its own error.
const BODY_MAX: usize = 64 << 20;

/// A chat-completions server.
pub struct Model {
    /// Its planned faults, and the log of its requests.
    pub faults: FaultPlan,
    think: Mutex<Duration>,
    mind: Mind,
}

type Words = Box<dyn Fn(&[Value]) -> String + Send + Sync>;

/// The source of its answers.
enum Mind {
    /// A function that answers the messages of a request.
    Words(Words),
    /// A real server, to which it passes requests on.
    Server(Upstream),
}

impl Model {
    /// Makes a model that answers with `words` of the request's messages, after a pause of `think`.
    pub fn new(think: Duration, words: impl Fn(&[Value]) -> String + Send + Sync + 'static) -> Arc<Self> {
        Self::with(think, Mind::Words(Box::new(words)))
    }

    /// Makes the offline model of `henji dev`.
    pub fn offline(think: Duration) -> Arc<Self> {
        Self::new(think, friend::words)
    }

    /// Makes a model that passes requests on to a real server, by `requests`. Faults can be planned for it, too.
    pub fn before(requests: Requests) -> Arc<Self> {
        Self::with(Duration::ZERO, Mind::Server(Upstream(requests)))
    }

    fn with(think: Duration, mind: Mind) -> Arc<Self> {
        Arc::new(Self { faults: FaultPlan::default(), think: think.into(), mind })
    }

    /// Sets the time that it thinks from now on.
    pub fn set_think_time(&self, for_: Duration) {
        *lock(&self.think) = for_;
    }

    /// Plans this answer to the next question.
    pub fn plan_answer(&self, text: &str) {
        self.plan_completion(json!({ "content": text }), "stop");
    }

    /// Plans this message and `finish_reason` for the next question.
    pub fn plan_completion(&self, message: Value, finish_reason: &str) {
        let mut message = message;
        message["role"] = "assistant".into();
        self.plan_fault(Fault::Respond(
            200,
            vec![],
            completion(&message, finish_reason, &usage(&[], "")).to_string(),
        ));
    }

    /// Plans this error status for the next question, with `code` in a body as OpenAI writes it.
    pub fn plan_error(&self, status: u16, code: &str) {
        self.plan_fault(Fault::Respond(status, vec![], error(code).to_string()));
    }

    /// Plans this fault for the next question.
    pub fn plan_fault(&self, fault: Fault) {
        self.faults.plan_next(COMPLETIONS, fault);
    }

    /// Returns the questions so far.
    pub fn asked(&self) -> Vec<Seen> {
        self.faults.seen(COMPLETIONS)
    }

    /// Returns the router of its paths, which begin with `/v1`.
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
    let answer_normally = async || {
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
    model.faults.apply(TRANSCRIPTIONS, &headers, &shown, answer_normally).await
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

/// Estimates the token counts: there is no tokenizer, so three bytes count as one token.
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
