//! A proxy between a function and AWS: it counts the calls, answers some of them itself, and forwards the others.

use std::{
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    bot::host,
    cloud::{PATIENCE, endpoint},
};

pub struct AwsProxy {
    pub url: String,
    calls: Arc<Mutex<Vec<String>>>,
}

/// The treatment of one call.
#[derive(Clone, Debug)]
pub enum Treatment {
    /// AWS answers the call.
    Forward,
    /// The proxy answers with this status and body, and AWS does not see the call.
    Answer(u16, Value),
    /// The call gets no answer, and AWS does not see it.
    Hang,
    /// AWS does the call, and its answer is lost.
    Lose,
}

impl AwsProxy {
    /// Starts the proxy; `plays` gets the name and the request of each call.
    pub async fn start(plays: impl Fn(&str, &Value) -> Treatment + Send + Sync + 'static) -> Self {
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let (plays, endpoint) = (Arc::new(plays), endpoint());
        let (http, noted) = (worker::adapters::http::client().unwrap(), calls.clone());
        let handle = async move |mut headers: HeaderMap, body: Bytes| {
            let call = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
            noted.lock().unwrap().push(call.clone());
            let kind = (header::CONTENT_TYPE, "application/x-amz-json-1.0");
            let play = plays(&call, &serde_json::from_slice(&body).unwrap());
            match play {
                Treatment::Hang => return pending().await,
                Treatment::Answer(status, answer) => {
                    let status = StatusCode::from_u16(status).unwrap();
                    return (status, [kind], Bytes::from(answer.to_string()));
                }
                Treatment::Forward | Treatment::Lose => {}
            }
            headers.remove(header::HOST);
            headers.remove(header::CONTENT_LENGTH);
            let response = http.post(endpoint).headers(headers).body(body).send().await.unwrap();
            let response = (response.status(), [kind], response.bytes().await.unwrap());
            if matches!(play, Treatment::Lose) { pending().await } else { response }
        };
        let url = host(Router::new().fallback(handle)).await;
        Self { url, calls }
    }

    /// Waits until this call was made this number of times.
    pub async fn is_called(&self, call: &str, times: usize) {
        let called = async {
            while self.calls(call) < times {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, called).await.expect("it is not called");
    }

    /// Returns how often this call was made.
    pub fn calls(&self, of: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| *call == of).count()
    }
}

/// Makes an error in the form that AWS uses.
pub fn error(status: u16, kind: &str) -> Treatment {
    Treatment::Answer(status, json!({ "__type": kind }))
}
