//! Marking messages as read (LINE, "Mark messages as read"). A token comes with a message, does not expire, and marks
//! all messages up to its own.

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use serde_json::Value;

use super::{error::invalid_property, ids::request_id, state::Line};
use crate::{lock::lock, respond::respond};

/// The path of the call that marks messages as read.
pub const MARK_AS_READ: &str = "/v2/bot/chat/markAsRead";

pub(super) async fn mark(State(line): State<Arc<Line>>, Json(request): Json<Value>) -> Response {
    let token = request["markAsReadToken"].as_str().unwrap_or_default();
    if !lock(&line.memory).read_tokens.contains(token) {
        return invalid_property("markAsReadToken");
    }
    respond(200, &[request_id()], "{}".to_owned())
}
