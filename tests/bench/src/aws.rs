//! AWS at no cost: each call is answered at once with what an empty table and an empty queue say. Only
//! for measuring; the stories run against an emulator.

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

/// The stand-in; it keeps the names of its calls.
#[derive(Clone, Default)]
pub(crate) struct Aws(Arc<Mutex<Vec<String>>>);

impl Aws {
    /// How often it was called.
    pub(crate) fn calls(&self) -> u32 {
        self.calls_to("")
    }

    /// How often the service was called whose calls' names begin so.
    pub(crate) fn calls_to(&self, service: &str) -> u32 {
        let calls = self.0.lock().expect("nobody panics with it");
        u32::try_from(calls.iter().filter(|call| call.starts_with(service)).count()).unwrap_or(u32::MAX)
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(post(answer)).with_state(self.clone())
    }
}

async fn answer(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) -> Response {
    let target = headers.get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
    aws.0.lock().expect("nobody panics with it").push(target.to_owned());
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let body = match target.rsplit('.').next().unwrap_or_default() {
        "GetParameter" => {
            json!({ "Parameter": { "Name": request["Name"], "Type": "SecureString", "Value": SECRET } })
        }
        "SendMessageBatch" | "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
            let entries = request["Entries"].as_array().cloned().unwrap_or_default();
            let taken =
                |entry: &Value| json!({ "Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": "0" });
            json!({ "Successful": entries.iter().map(taken).collect::<Vec<_>>(), "Failed": [] })
        }
        "Query" => json!({ "Items": [], "Count": 0, "ScannedCount": 0 }),
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
