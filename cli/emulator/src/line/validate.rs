//! The check of messages that are not sent (LINE, "Validate message objects of a push message").

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use serde_json::Value;

use super::{error::messages, ids::request_id, state::Line};
use crate::respond::respond;

/// The path of the call.
pub const VALIDATE_PUSH: &str = "/v2/bot/message/validate/push";

pub(super) async fn push(State(line): State<Arc<Line>>, Json(request): Json<Value>) -> Response {
    match messages(&line, "", &request) {
        Ok(_) => respond(200, &[request_id()], "{}".to_owned()),
        Err(response) => *response,
    }
}
