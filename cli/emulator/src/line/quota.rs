//! The month's messages (LINE, "Get the target limit", "Get number of messages sent this month").

use std::sync::Arc;

use axum::{extract::State, response::Response};
use serde_json::json;

use super::{ids::request_id, state::Line};
use crate::{lock::lock, respond::respond};

/// The path of the month's limit.
pub const QUOTA: &str = "/v2/bot/message/quota";
/// The path of the number of messages that are used.
pub const CONSUMPTION: &str = "/v2/bot/message/quota/consumption";

pub(super) async fn quota(State(line): State<Arc<Line>>) -> Response {
    let quota = lock(&line.memory).quota;
    let body = quota.map_or(json!({ "type": "none" }), |value| json!({ "type": "limited", "value": value }));
    respond(200, &[request_id()], body.to_string())
}

pub(super) async fn consumption(State(line): State<Arc<Line>>) -> Response {
    let used = lock(&line.memory).used;
    respond(200, &[request_id()], json!({ "totalUsage": used }).to_string())
}
