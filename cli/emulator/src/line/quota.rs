//! The month's messages (LINE, "Get the target limit", "Get number of messages sent this month").

use std::sync::Arc;

use axum::{body::Bytes, extract::State, http::HeaderMap, response::Response};
use serde_json::{Value, json};

use super::{error::refused, ids::request_id, state::Line};
use crate::{lock::lock, respond::respond};

/// The path of the month's limit.
pub const QUOTA: &str = "/v2/bot/message/quota";
/// The path of what is used of it.
pub const CONSUMPTION: &str = "/v2/bot/message/quota/consumption";

pub(super) async fn quota(State(line): State<Arc<Line>>, headers: HeaderMap) -> Response {
    let quota = lock(&line.memory).quota;
    let body = quota.map_or(json!({ "type": "none" }), |value| json!({ "type": "limited", "value": value }));
    answer(&line, QUOTA, &headers, body).await
}

pub(super) async fn consumption(State(line): State<Arc<Line>>, headers: HeaderMap) -> Response {
    let used = lock(&line.memory).used;
    answer(&line, CONSUMPTION, &headers, json!({ "totalUsage": used })).await
}

async fn answer(line: &Line, path: &str, headers: &HeaderMap, body: Value) -> Response {
    let behaved =
        async |_| refused(headers, None).unwrap_or_else(|| respond(200, &[request_id()], body.to_string()));
    line.script.play(path, headers, &Bytes::new(), behaved).await
}
