//! LINE's refusals (LINE, "Error responses"), and the checks that every message goes through.

use axum::{body::Bytes, http::HeaderMap, response::Response};
use serde_json::{Map, Value, json};

use super::{request_id, respond};

/// The longest text of one message, in UTF-16 code units (LINE, "Character counting in a text").
const TEXT_MAX: usize = 5_000;

/// An error as LINE writes it.
pub(super) fn error(status: u16, message: &str, details: &[(String, String)]) -> Response {
    let details: Vec<Value> = details
        .iter()
        .map(|(property, message)| json!({ "property": property, "message": message }))
        .collect();
    let mut body = json!({ "message": message });
    if !details.is_empty() {
        body["details"] = details.into();
    }
    respond(status, &[request_id()], body.to_string())
}

/// The error of a request whose fields are wrong.
pub(super) fn invalid(details: &[(String, String)]) -> Response {
    error(400, &format!("The request body has {} error(s)", details.len()), details)
}

/// The error of a property that is missing or of the wrong form.
pub(super) fn invalid_property(name: &str) -> Response {
    error(400, &format!("The property, '{name}', in the request body is invalid (line: -, column: -)"), &[])
}

/// What is wrong with a call before its fields are looked at.
pub(super) fn refused(headers: &HeaderMap, body: Option<&Bytes>) -> Option<Response> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if header("authorization").strip_prefix("Bearer ").is_none_or(|token| token.trim().is_empty()) {
        let message = "Authentication failed due to the following reason: invalid token. Confirm that the access token in the authorization header is valid.";
        return Some(error(401, message, &[]));
    }
    let body = body?;
    if !header("content-type").starts_with("application/json") {
        return Some(error(415, "Unsupported media type", &[]));
    }
    let is_object = serde_json::from_slice::<Map<String, Value>>(body).is_ok();
    (!is_object).then(|| error(400, "The request body could not be parsed as JSON", &[]))
}

/// The texts of one to five text messages, the only kind that this stand-in delivers, or LINE's 400.
pub(super) fn texts(body: &Value) -> Result<Vec<String>, Box<Response>> {
    let Some(messages) = body["messages"].as_array() else {
        return Err(Box::new(invalid_property("messages")));
    };
    let mut details = vec![];
    if !(1..=5).contains(&messages.len()) {
        details.push(("messages".to_owned(), "Size must be between 1 and 5".to_owned()));
    }
    let mut texts = vec![];
    for (index, message) in messages.iter().enumerate() {
        let mut wrong =
            |field: &str, why: &str| details.push((format!("messages[{index}].{field}"), why.to_owned()));
        let text = message["text"].as_str().unwrap_or_default();
        if message["type"] != "text" {
            wrong("type", "Must be one of the following values: [text]");
        } else if text.trim().is_empty() {
            wrong("text", "May not be empty");
        } else if text.encode_utf16().count() > TEXT_MAX {
            wrong("text", "Length must be between 0 and 5000");
        }
        texts.push(text.to_owned());
    }
    if details.is_empty() { Ok(texts) } else { Err(Box::new(invalid(&details))) }
}
