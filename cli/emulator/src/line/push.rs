//! Pushes with retry keys (LINE, "Send push message", "Retry failed API requests").

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    error::{error, invalid_property, messages},
    ids::request_id,
    state::{Accepted, Line, Sent},
};
use crate::{lock::lock, respond::respond};

/// The path of the push call.
pub const PUSH: &str = "/v2/bot/message/push";

/// The time for which LINE remembers a retry key, from its first use.
const KEY_LIFE: Duration = Duration::from_hours(24);

pub(super) async fn push(
    State(line): State<Arc<Line>>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    let retry_key =
        headers.get("x-line-retry-key").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned());
    if retry_key.as_deref().is_some_and(|key| Uuid::parse_str(key).is_err()) {
        return error(400, "Invalid retry key", &[]);
    }
    let Some(to) = request["to"].as_str().filter(|to| !to.is_empty()) else {
        return invalid_property("to");
    };
    let messages = match messages(&line, to, &request) {
        Ok(messages) => messages,
        Err(response) => return *response,
    };
    let known = retry_key.as_ref().and_then(|key| lock(&line.memory).keys.get(key).cloned());
    if let Some(Accepted { request, mut answer, .. }) = known.filter(|k| k.at.elapsed() < KEY_LIFE) {
        answer["message"] = "The retry key is already accepted".into();
        let headers = [request_id(), ("x-line-accepted-request-id", request)];
        return respond(409, &headers, answer.to_string());
    }
    // A group without the bot is an invalid destination.
    if line.is_without_bot(to) {
        return error(400, "Failed to send messages", &[]);
    }
    let counts = line.recipients(to);
    let is_used_up = {
        let memory = lock(&line.memory);
        memory.quota.is_some_and(|quota| memory.used + memory.reserved + counts.max(1) > quota)
    };
    if is_used_up {
        return error(429, "You have reached your monthly limit.", &[]);
    }
    let id = request_id();
    let answer = line.accept(to, counts, Sent::new(to, messages, retry_key.clone()));
    if let Some(key) = retry_key {
        let accepted = Accepted { request: id.1.clone(), answer: answer.clone(), at: Instant::now() };
        lock(&line.memory).keys.insert(key, accepted);
    }
    respond(200, &[id], answer.to_string())
}
