//! The real model behind `henji dev`: what the bot asks is passed on as it is, so that the page can show
//! it and the knobs can spoil it.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use reqwest::{Client, RequestBuilder};

use super::super::respond;

/// Longer than any attempt of the bot's, which gives up first.
const TIMEOUT: Duration = Duration::from_hours(1);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What of an answer's head the bot reads.
const PASSED_ON: [&str; 3] = ["content-type", "retry-after", "x-request-id"];

/// A chat-completions server.
pub(super) struct Upstream {
    pub(super) base_url: String,
    pub(super) http: Client,
}

impl Upstream {
    pub(super) async fn get(&self, path: &str, headers: &HeaderMap) -> Response {
        pass(self.http.get(format!("{}{path}", self.base_url)), headers).await
    }

    pub(super) async fn post(&self, path: &str, headers: &HeaderMap, body: Bytes) -> Response {
        let kind = headers.get("content-type").cloned();
        let request = self.http.post(format!("{}{path}", self.base_url)).body(body);
        pass(request.header("content-type", kind.unwrap_or(JSON)), headers).await
    }
}

async fn pass(request: RequestBuilder, headers: &HeaderMap) -> Response {
    let authorization = headers.get("authorization").cloned();
    let request = match authorization {
        Some(authorization) => request.header("authorization", authorization),
        None => request,
    };
    let Ok(answer) = request.timeout(TIMEOUT).send().await else {
        return respond(502, &[], r#"{"error":{"code":"no_answer_from_OPENAI_BASE_URL"}}"#.to_owned());
    };
    let mut response = Response::builder().status(answer.status());
    for name in PASSED_ON {
        if let Some(value) = answer.headers().get(name) {
            response = response.header(name, value);
        }
    }
    let body = answer.bytes().await.unwrap_or_default();
    response.body(Body::from(body)).unwrap_or_default()
}
