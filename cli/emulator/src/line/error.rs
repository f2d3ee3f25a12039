//! LINE's error responses (LINE, "Error responses"), and the checks of every request and message.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::Method,
    middleware::Next,
    response::Response,
};
use serde_json::{Map, Value, json};

use super::{
    ids::request_id,
    message::{self, Message},
    state::Line,
};
use crate::respond::respond;

/// Makes an error response as LINE writes it.
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

/// Makes the error response to a request whose fields are wrong.
pub(super) fn invalid(details: &[(String, String)]) -> Response {
    error(400, &format!("The request body has {} error(s)", details.len()), details)
}

/// Makes the error response to a request with a property that is missing or of the wrong form.
pub(super) fn invalid_property(name: &str) -> Response {
    error(400, &format!("The property, '{name}', in the request body is invalid (line: -, column: -)"), &[])
}

/// Refuses a call without a token, or with a body that is not a JSON object, before its fields are checked.
pub(super) async fn check(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let header = |name: &str| head.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if header("authorization").strip_prefix("Bearer ").is_none_or(|token| token.trim().is_empty()) {
        let message = "Authentication failed due to the following reason: invalid token. Confirm that the access token in the authorization header is valid.";
        return error(401, message, &[]);
    }
    if head.method != Method::GET {
        if !header("content-type").starts_with("application/json") {
            return error(415, "Unsupported media type", &[]);
        }
        if serde_json::from_slice::<Map<String, Value>>(&body).is_err() {
            return error(400, "The request body could not be parsed as JSON", &[]);
        }
    }
    next.run(Request::from_parts(head, Body::from(body))).await
}

/// Returns the messages of a request to a chat, or LINE's 400.
pub(super) fn messages(line: &Line, chat: &str, body: &Value) -> Result<Vec<Message>, Box<Response>> {
    let Some(given) = body["messages"].as_array() else {
        return Err(Box::new(invalid_property("messages")));
    };
    let messages = message::messages(given).map_err(|details| Box::new(invalid(&details)))?;
    let may_quote =
        |message: &Message| message.quotes.as_ref().is_none_or(|token| line.can_quote(chat, token));
    if messages.iter().all(may_quote) { Ok(messages) } else { Err(Box::new(invalid_property("quoteToken"))) }
}
