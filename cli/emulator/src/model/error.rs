//! Errors as OpenAI writes them (OpenAI, "Error codes").

use axum::response::Response;
use serde_json::{Value, json};

use crate::respond::respond;

/// The response of this status and code.
pub(super) fn refusal(status: u16, code: &str) -> Response {
    refuse(status, code, "on purpose")
}

/// The same with a message of its own.
pub(super) fn refuse(status: u16, code: &str, message: &str) -> Response {
    let mut body = error(code);
    body["error"]["message"] = message.into();
    respond(status, &[], body.to_string())
}

/// The body.
pub(super) fn error(code: &str) -> Value {
    json!({ "error": { "message": "on purpose", "type": "invalid_request_error", "param": null, "code": code } })
}
