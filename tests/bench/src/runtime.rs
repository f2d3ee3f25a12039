//! Lambda's Runtime API (AWS, "Using the Lambda runtime API"): gives out one invocation at a time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

use crate::serve::host;

/// The API, from the side that invokes the function.
pub(crate) struct Runtime {
    /// The host and port of the API.
    pub(crate) address: String,
    events: mpsc::Sender<Value>,
    polls: mpsc::Receiver<()>,
    responses: mpsc::Receiver<Value>,
}

struct Api {
    events: Mutex<mpsc::Receiver<Value>>,
    polls: mpsc::Sender<()>,
    responses: mpsc::Sender<Value>,
}

impl Runtime {
    pub(crate) async fn start() -> Self {
        let (events, handed_out) = mpsc::channel(1);
        let (polled, polls) = mpsc::channel(16);
        let (responded, responses) = mpsc::channel(16);
        let api = Arc::new(Api { events: handed_out.into(), polls: polled, responses: responded });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .with_state(api);
        let address = host(router).await.trim_start_matches("http://").to_owned();
        Self { address, events, polls, responses }
    }

    /// Waits until the function polls.
    pub(crate) async fn polled(&mut self) {
        self.polls.recv().await.expect("the function polls");
    }

    /// Gives the polling function an event; returns the time until it has responded and polls again.
    pub(crate) async fn invoke(&mut self, event: Value) -> Duration {
        let started = Instant::now();
        self.events.send(event).await.expect("the API runs");
        let response = self.responses.recv().await.expect("the function responds");
        let taken = started.elapsed();
        // A failed invocation is not to be measured.
        let is_done = response.get("statusCode").is_none_or(|status| status == 200)
            && response.get("batchItemFailures").and_then(Value::as_array).is_none_or(Vec::is_empty);
        assert!(is_done, "the function failed: {response}");
        self.polled().await;
        taken
    }
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    let _ = api.polls.send(()).await;
    let Some(event) = api.events.lock().await.recv().await else { return StatusCode::GONE.into_response() };
    let deadline = (worker::clock::wall_clock())().as_millisecond() + 900_000;
    let headers = [
        ("lambda-runtime-aws-request-id", "bench".to_owned()),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:x:1:function:bench".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, event.to_string()).into_response()
}

async fn response(State(api): State<Arc<Api>>, body: Bytes) -> StatusCode {
    let _ = api.responses.send(serde_json::from_slice(&body).unwrap_or_default()).await;
    StatusCode::ACCEPTED
}
