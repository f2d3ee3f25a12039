//! AWS at no cost: each call is answered at once with what an empty table and an empty queue say. Only
//! for measuring; the stories run against an emulator.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

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

/// The stand-in; it counts its calls.
#[derive(Clone, Default)]
pub(crate) struct Aws(Arc<AtomicU32>);

impl Aws {
    pub(crate) fn calls(&self) -> u32 {
        self.0.load(Relaxed)
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().fallback(post(answer)).with_state(self.clone())
    }
}

async fn answer(State(aws): State<Aws>, headers: HeaderMap, body: Bytes) -> Response {
    aws.0.fetch_add(1, Relaxed);
    let target = headers.get("x-amz-target").and_then(|v| v.to_str().ok()).unwrap_or_default();
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
