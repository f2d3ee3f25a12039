//! An emulator of AWS at no cost: it answers each call at once as an empty table and an empty queue do. Only for
//! measurements; the stories run with ministack.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::{Value, json};

use crate::accept::SECRET;

/// The emulator of AWS; it keeps the names of its calls.
#[derive(Clone, Default)]
pub(crate) struct Aws {
    calls: Arc<Mutex<Vec<String>>>,
    past: Arc<Vec<Value>>,
}

impl Aws {
    /// Makes one whose index shows these messages, question and answer in turn, oldest first.
    pub(crate) fn remembering(messages: &[String]) -> Self {
        let row = |(n, text): (usize, &String)| {
            json!({
                "id": { "S": format!("00000000-0000-5000-8000-{n:012}") }, "lineUserId": { "S": "U1" },
                "role": { "S": if n % 2 == 0 { "user" } else { "assistant" } }, "content": { "S": text },
                "createdAt": { "S": format!("2026-01-01T00:00:00.{n:06}Z") },
                "updatedAt": { "S": format!("2026-01-01T00:00:00.{n:06}Z") },
            })
        };
        Self { past: Arc::new(messages.iter().enumerate().map(row).rev().collect()), ..Self::default() }
    }

    /// Counts all calls.
    pub(crate) fn calls(&self) -> u32 {
        self.calls_to("")
    }

    /// Counts the calls whose names begin with this service.
    pub(crate) fn calls_to(&self, service: &str) -> u32 {
        let calls = self.calls.lock().expect("nobody panics with it");
        u32::try_from(calls.iter().filter(|call| call.starts_with(service)).count()).unwrap_or(u32::MAX)
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(post(answer)).with_state(self.clone())
    }
}

/// Half of a key or token. They are as long as LINE's and OpenAI's, because the worker searches for them in the
/// model's text.
const KEY: &str = "u8jzPde0IgxLd6GncfBAepfJBd0Kh8oOOL8dKLzdocJ2isAjIhKtJ0RlgLKOmxgJTeKdNnFRIBXuDL7DxtpYlS";

async fn answer(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
    aws.calls.lock().expect("nobody panics with it").push(target.to_owned());
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let body = match target.rsplit('.').next().unwrap_or_default() {
        "GetParameter" => {
            json!({ "Parameter": { "Name": request["Name"], "Type": "SecureString", "Value": SECRET } })
        }
        "GetParameters" => {
            let names = request["Names"].as_array().cloned().unwrap_or_default();
            let value = |name| json!({ "Name": name, "Type": "SecureString", "Value": KEY.repeat(2) });
            json!({ "Parameters": names.into_iter().map(value).collect::<Vec<_>>(), "InvalidParameters": [] })
        }
        "SendMessageBatch" | "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
            let entries = request["Entries"].as_array().cloned().unwrap_or_default();
            let taken =
                |entry: &Value| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0" });
            json!({ "Successful": entries.iter().map(taken).collect::<Vec<_>>(), "Failed": [] })
        }
        "Query" => json!({ "Items": *aws.past, "Count": aws.past.len(), "ScannedCount": aws.past.len() }),
        "BatchGetItem" => json!({ "Responses": {}, "UnprocessedKeys": {} }),
        "GetQueueAttributes"
        | "UpdateItem"
        | "GetItem"
        | "TransactWriteItems"
        | "DeleteMessage"
        | "ChangeMessageVisibility" => json!({}),
        other => return (StatusCode::BAD_REQUEST, format!("no answer to {other}")).into_response(),
    };
    ([("content-type", "application/x-amz-json-1.0")], body.to_string()).into_response()
}
