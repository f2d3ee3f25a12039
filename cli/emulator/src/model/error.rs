//! Error responses as OpenAI writes them (OpenAI, "Error codes").

use axum::response::Response;
use serde_json::{Value, json};

use crate::respond::respond;

/// Makes the response of this status and code.
pub(super) fn refusal(status: u16, code: &str) -> Response {
    refuse(status, code, "on purpose")
}

/// Does the same with this message.
pub(super) fn refuse(status: u16, code: &str, message: &str) -> Response {
    let mut body = error(code);
    body["error"]["message"] = message.into();
    respond(status, &[], body.to_string())
}

/// Makes the body of an error with this code.
pub(super) fn error(code: &str) -> Value {
    json!({ "error": { "message": "on purpose", "type": "invalid_request_error", "param": null, "code": code } })
}
