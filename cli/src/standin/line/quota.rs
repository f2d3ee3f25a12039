//! The month's messages (LINE, "Get the target limit", "Get number of messages sent this month").

use std::sync::Arc;

use axum::{extract::State, http::HeaderMap, response::Response};
use serde_json::json;

use super::{Line, error::refused, lock, request_id, respond};

pub(super) async fn quota(State(line): State<Arc<Line>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refused(&headers, None) {
        return refusal;
    }
    let quota = lock(&line.memory).quota;
    let body = quota.map_or(json!({ "type": "none" }), |value| json!({ "type": "limited", "value": value }));
    respond(200, &[request_id()], body.to_string())
}

pub(super) async fn consumption(State(line): State<Arc<Line>>, headers: HeaderMap) -> Response {
    if let Some(refusal) = refused(&headers, None) {
        return refusal;
    }
    let used = lock(&line.memory).used;
    respond(200, &[request_id()], json!({ "totalUsage": used }).to_string())
}
