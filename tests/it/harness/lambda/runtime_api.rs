//! The Lambda Runtime API of one execution environment (AWS: "Using the Lambda runtime API for custom runtimes"): the
//! function polls for an invocation and posts its response or its error.

use std::{
    collections::HashMap,
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{
        Mutex as AsyncMutex,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    time::timeout,
};
use uuid::Uuid;

/// The time for which the emulator waits beyond an invocation's deadline before it calls the function dead.
const GRACE: Duration = Duration::from_secs(1);

/// Makes the trace that all invocations of this function belong to, with their segment. Lambda gives an invocation by
/// SQS a trace of its own (AWS X-Ray, "Tracing event-driven applications").
pub fn trace(function: &str, sampled: bool) -> String {
    let own = if function == "ingress" { 3 } else { 4 };
    let root = format!("1-5759e988-bd862e3fe1be46a99427279{own}");
    format!("Root={root};Parent=53995c3f42cd8ad{own};Sampled={}", u8::from(sampled))
}

pub struct RuntimeApi {
    pub address: SocketAddr,
    waiting: UnboundedSender<Invocation>,
    desk: Arc<Desk>,
}

/// The failed end of an invocation.
#[derive(Debug)]
#[expect(dead_code, reason = "only a story that fails prints it")]
pub enum Failed {
    /// The function posted this error.
    Error(Value),
    /// The function was silent until its deadline.
    TimedOut,
}

struct Invocation {
    id: String,
    event: Value,
    deadline_ms: u128,
}

type Answer = Result<Value, Failed>;

struct Desk {
    trace: String,
    next: AsyncMutex<UnboundedReceiver<Invocation>>,
    answers: Mutex<HashMap<String, oneshot::Sender<Answer>>>,
}

impl RuntimeApi {
    /// Starts it; its invocations belong to this trace.
    pub async fn start(trace: String) -> Self {
        let (waiting, next) = unbounded_channel();
        let desk = Arc::new(Desk { trace, next: AsyncMutex::new(next), answers: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_invocation))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(|| async { StatusCode::ACCEPTED }))
            .with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, waiting, desk }
    }

    /// Invokes the function, which has `time` until Lambda would kill it.
    pub async fn invoke(&self, event: Value, time: Duration) -> Result<Value, Failed> {
        let id = Uuid::new_v4().to_string();
        let (sender, answer) = oneshot::channel();
        self.desk.answers.lock().unwrap().insert(id.clone(), sender);
        let now = u128::try_from((worker::clock::wall_clock())().as_millisecond()).unwrap();
        self.waiting.send(Invocation { id, event, deadline_ms: now + time.as_millis() }).unwrap();
        match timeout(time + GRACE, answer).await {
            Ok(Ok(answer)) => answer,
            _ => Err(Failed::TimedOut),
        }
    }
}

async fn next_invocation(State(desk): State<Arc<Desk>>) -> impl IntoResponse {
    let Some(invocation) = desk.next.lock().await.recv().await else { return pending().await };
    let arn = "arn:aws:lambda:ap-northeast-1:123456789012:function:it".to_owned();
    let headers = [
        ("lambda-runtime-aws-request-id", invocation.id),
        ("lambda-runtime-deadline-ms", invocation.deadline_ms.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", desk.trace.clone()),
    ];
    let headers: HeaderMap =
        headers.into_iter().map(|(k, v)| (HeaderName::from_static(k), v.parse().unwrap())).collect();
    (headers, Json(invocation.event))
}

// Functions send no content type, so the handlers take the bodies as bytes.
async fn response(desk: State<Arc<Desk>>, id: Path<String>, body: Bytes) -> impl IntoResponse {
    answered(&desk, &id, Ok(serde_json::from_slice(&body).unwrap()))
}

async fn error(desk: State<Arc<Desk>>, id: Path<String>, body: Bytes) -> impl IntoResponse {
    answered(&desk, &id, Err(Failed::Error(serde_json::from_slice(&body).unwrap())))
}

fn answered(desk: &Desk, id: &str, answer: Answer) -> impl IntoResponse + use<> {
    match desk.answers.lock().unwrap().remove(id) {
        Some(sender) => {
            let _ = sender.send(answer);
            (StatusCode::ACCEPTED, Json(json!({ "status": "OK" })))
        }
        None => (StatusCode::BAD_REQUEST, Json(json!({ "errorType": "InvalidRequestID" }))),
    }
}
