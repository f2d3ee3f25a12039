//! A stand-in for LINE's Messaging API, as its reference describes it: push with retry keys, reply
//! tokens that are spent once, the loading animation, the monthly quota.

use std::{
    collections::{HashMap, HashSet},
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
use tokio::sync::watch;
use uuid::Uuid;

use super::{Act, Script, lock, respond};

/// The path of push.
pub const PUSH: &str = "/v2/bot/message/push";
/// The path of reply.
pub const REPLY: &str = "/v2/bot/message/reply";
/// The path of the loading animation.
pub const LOADING: &str = "/v2/bot/chat/loading/start";
/// Where `henji send` finds what was pushed under a retry key; not part of LINE.
pub const PUSHED: &str = "/standin/pushes";

/// How long `henji send` is kept waiting by one request.
const LONG_POLL: Duration = Duration::from_secs(20);

/// A push or reply that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The chat of a push; the token of a reply.
    pub to: String,
    /// Its text messages.
    pub texts: Vec<String>,
    /// The push's retry key.
    pub retry_key: Option<String>,
}

/// The stand-in.
pub struct Line {
    /// What it does wrong, and what it was asked.
    pub script: Script,
    memory: Mutex<Memory>,
    sent: watch::Sender<Vec<Sent>>,
}

#[derive(Default)]
struct Memory {
    /// Retry keys that were accepted: the request's id and its answer.
    keys: HashMap<String, (String, Value)>,
    spent_tokens: HashSet<String>,
    /// Messages a month; unlimited if `None`.
    quota: Option<usize>,
    used: usize,
}

impl Line {
    /// One that behaves.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { script: Script::default(), memory: Mutex::default(), sent: watch::channel(vec![]).0 })
    }

    /// Everything that was accepted so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    /// Tells of everything that is accepted.
    pub fn watch(&self) -> watch::Receiver<Vec<Sent>> {
        self.sent.subscribe()
    }

    /// So many messages are left this month.
    pub fn has_left(&self, messages: usize) {
        let mut memory = lock(&self.memory);
        memory.quota = Some(memory.used + messages);
    }

    /// The next request to `path` gets this error.
    pub fn fails(&self, path: &str, status: u16, message: &str) {
        self.script.will(path, Act::Respond(status, vec![], json!({ "message": message }).to_string()));
    }

    /// LINE's paths, and [`PUSHED`].
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route(PUSH, post(push))
            .route(REPLY, post(reply))
            .route(LOADING, post(loading))
            .route("/v2/bot/message/quota", get(quota))
            .route("/v2/bot/message/quota/consumption", get(consumption))
            .route(&format!("{PUSHED}/{{key}}"), get(pushed))
            .with_state(self)
    }

    fn accept(&self, sent: Sent) -> Value {
        let messages: Vec<Value> =
            sent.texts.iter().map(|_| json!({ "id": Uuid::new_v4().as_u128().to_string() })).collect();
        lock(&self.memory).used += usize::from(sent.retry_key.is_some());
        self.sent.send_modify(|all| all.push(sent));
        json!({ "sentMessages": messages })
    }
}

/// An error as LINE writes it.
fn error(status: u16, message: &str, details: &[(String, String)]) -> Response {
    let details: Vec<Value> = details
        .iter()
        .map(|(property, message)| json!({ "property": property, "message": message }))
        .collect();
    let mut body = json!({ "message": message });
    if !details.is_empty() {
        body["details"] = details.into();
    }
    respond(status, &[("x-line-request-id", Uuid::new_v4().to_string())], body.to_string())
}

fn unauthorized(headers: &HeaderMap) -> Option<Response> {
    let bearer = headers.get("authorization").is_some_and(|v| v.as_bytes().starts_with(b"Bearer "));
    let message = "Authentication failed due to the following reason: invalid token. Confirm that the access token in the authorization header is valid.";
    (!bearer).then(|| error(401, message, &[]))
}

/// The texts of one to five text messages, or LINE's 400.
fn texts(body: &Value) -> Result<Vec<String>, Box<Response>> {
    let mut details = vec![];
    let messages = body["messages"].as_array().map_or(&[][..], Vec::as_slice);
    if !(1..=5).contains(&messages.len()) {
        details.push(("messages".to_owned(), "Size must be between 1 and 5".to_owned()));
    }
    let mut texts = vec![];
    for (index, message) in messages.iter().enumerate() {
        let text = message["text"].as_str().unwrap_or_default();
        if message["type"] != "text" {
            details.push((
                format!("messages[{index}].type"),
                "Must be one of the following values: [text]".to_owned(),
            ));
        } else if text.trim().is_empty() {
            details.push((format!("messages[{index}].text"), "May not be empty".to_owned()));
        } else if text.encode_utf16().count() > 5000 {
            details.push((format!("messages[{index}].text"), "Length must be between 0 and 5000".to_owned()));
        }
        texts.push(text.to_owned());
    }
    if details.is_empty() {
        return Ok(texts);
    }
    Err(Box::new(error(400, &format!("The request body has {} error(s)", details.len()), &details)))
}

async fn push(State(line): State<Arc<Line>>, headers: HeaderMap, body: Bytes) -> Response {
    let behaved = async |request: Value| {
        if let Some(response) = unauthorized(&headers) {
            return response;
        }
        let retry_key =
            headers.get("x-line-retry-key").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
        if retry_key.as_deref().is_some_and(|key| Uuid::parse_str(key).is_err()) {
            return error(400, "Invalid retry key", &[]);
        }
        let Some(to) = request["to"].as_str().filter(|to| !to.is_empty()) else {
            return error(400, "The property, 'to', in the request body is invalid", &[]);
        };
        let texts = match texts(&request) {
            Ok(texts) => texts,
            Err(response) => return *response,
        };
        let known = retry_key.as_ref().and_then(|key| lock(&line.memory).keys.get(key).cloned());
        if let Some((request_id, mut answer)) = known {
            answer["message"] = "The retry key is already accepted".into();
            let headers = [
                ("x-line-request-id", Uuid::new_v4().to_string()),
                ("x-line-accepted-request-id", request_id),
            ];
            return respond(409, &headers, answer.to_string());
        }
        let is_used_up = {
            let memory = lock(&line.memory);
            memory.quota.is_some_and(|quota| memory.used >= quota)
        };
        if is_used_up {
            return error(429, "You have reached your monthly limit.", &[]);
        }
        let request_id = Uuid::new_v4().to_string();
        let answer = line.accept(Sent { to: to.to_owned(), texts, retry_key: retry_key.clone() });
        if let Some(key) = retry_key {
            lock(&line.memory).keys.insert(key, (request_id.clone(), answer.clone()));
        }
        respond(200, &[("x-line-request-id", request_id)], answer.to_string())
    };
    line.script.play(PUSH, &headers, &body, behaved).await
}

async fn reply(State(line): State<Arc<Line>>, headers: HeaderMap, body: Bytes) -> Response {
    let behaved = async |request: Value| {
        if let Some(response) = unauthorized(&headers) {
            return response;
        }
        if headers.contains_key("x-line-retry-key") {
            return error(400, "Retry key is not supported for this endpoint", &[]);
        }
        let texts = match texts(&request) {
            Ok(texts) => texts,
            Err(response) => return *response,
        };
        let token = request["replyToken"].as_str().unwrap_or_default().to_owned();
        if token.is_empty() || !lock(&line.memory).spent_tokens.insert(token.clone()) {
            return error(400, "Invalid reply token", &[]);
        }
        let answer = line.accept(Sent { to: token, texts, retry_key: None });
        respond(200, &[("x-line-request-id", Uuid::new_v4().to_string())], answer.to_string())
    };
    line.script.play(REPLY, &headers, &body, behaved).await
}

async fn loading(State(line): State<Arc<Line>>, headers: HeaderMap, body: Bytes) -> Response {
    let behaved = async |request: Value| {
        if let Some(response) = unauthorized(&headers) {
            return response;
        }
        let is_user = request["chatId"].as_str().is_some_and(|id| id.starts_with(['U', 'u']));
        let seconds = request["loadingSeconds"].as_u64().unwrap_or(20);
        if !is_user || !(5..=60).contains(&seconds) || !seconds.is_multiple_of(5) {
            return error(400, "The request body has 1 error(s)", &[]);
        }
        respond(202, &[("x-line-request-id", Uuid::new_v4().to_string())], "{}".to_owned())
    };
    line.script.play(LOADING, &headers, &body, behaved).await
}

async fn quota(State(line): State<Arc<Line>>) -> Response {
    let quota = lock(&line.memory).quota;
    let body = quota.map_or(json!({ "type": "none" }), |value| json!({ "type": "limited", "value": value }));
    respond(200, &[], body.to_string())
}

async fn consumption(State(line): State<Arc<Line>>) -> Response {
    respond(200, &[], json!({ "totalUsage": lock(&line.memory).used }).to_string())
}

/// The texts pushed under a key, as soon as there are any.
async fn pushed(State(line): State<Arc<Line>>, Path(key): Path<String>) -> Response {
    let mut sent = line.watch();
    let mine = |all: &Vec<Sent>| all.iter().any(|sent| sent.retry_key.as_deref() == Some(&key));
    let found = tokio::time::timeout(LONG_POLL, sent.wait_for(mine)).await;
    let texts = match &found {
        Ok(Ok(all)) => {
            all.iter().find(|sent| sent.retry_key.as_deref() == Some(&key)).map(|sent| &sent.texts)
        }
        _ => None,
    };
    respond(200, &[], json!({ "texts": texts }).to_string())
}
