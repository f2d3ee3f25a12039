//! What stands between a function and AWS: it counts the calls, answers some of them itself, and hands
//! the others on.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
};
use serde_json::Value;

use super::{bot::host, emulator::endpoint};

pub struct Between {
    pub url: String,
    calls: Arc<Mutex<Vec<String>>>,
}

/// A status and a body.
pub type Answer = (u16, Value);

impl Between {
    /// `answers` is given each call's name and its request; what it does not answer, AWS does.
    pub async fn start(answers: impl Fn(&str, &Value) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let calls: Arc<Mutex<Vec<String>>> = Arc::default();
        let (answers, endpoint) = (Arc::new(answers), endpoint());
        let (http, noted) = (worker::adapters::http::client().unwrap(), calls.clone());
        let play = async move |headers: HeaderMap, body: Bytes| {
            let call = headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
            noted.lock().unwrap().push(call.clone());
            let kind = (header::CONTENT_TYPE, "application/x-amz-json-1.0");
            if let Some((status, answer)) = answers(&call, &serde_json::from_slice(&body).unwrap()) {
                return (StatusCode::from_u16(status).unwrap(), [kind], Bytes::from(answer.to_string()));
            }
            let mut headers = headers;
            headers.remove(header::HOST);
            headers.remove(header::CONTENT_LENGTH);
            let response = http.post(endpoint).headers(headers).body(body).send().await.unwrap();
            (response.status(), [kind], response.bytes().await.unwrap())
        };
        let url = host(Router::new().fallback(play)).await;
        Self { url, calls }
    }

    /// How often this call was made.
    pub fn calls(&self, of: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| *call == of).count()
    }
}
