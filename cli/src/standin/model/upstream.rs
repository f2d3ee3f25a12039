//! The real model behind `henji dev`: what the bot asks is passed on as it is, so that the page can show
//! it and the knobs can spoil it.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use reqwest::{Client, RequestBuilder};
use secrecy::SecretString;
use worker::adapters::openai::Endpoint;

use super::super::respond;

/// Longer than any attempt of the bot's, which gives up first.
const TIMEOUT: Duration = Duration::from_hours(1);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// What of an answer's head the bot reads.
const PASSED_ON: [&str; 5] =
    ["content-type", "retry-after", "retry-after-ms", "x-request-id", "apim-request-id"];

/// A chat-completions server.
pub(super) struct Upstream {
    pub(super) endpoint: Endpoint,
    pub(super) http: Client,
}

impl Upstream {
    pub(super) async fn models(&self, headers: &HeaderMap) -> Response {
        pass(self.endpoint.models(&self.http, &key(headers))).await
    }

    pub(super) async fn look_up(&self, name: &str, headers: &HeaderMap) -> Response {
        pass(self.endpoint.look_up(&self.http, &key(headers), name)).await
    }

    pub(super) async fn complete(&self, headers: &HeaderMap, body: Bytes) -> Response {
        let request = self.endpoint.completions(&self.http, &key(headers));
        pass(request.header("content-type", JSON).body(body)).await
    }

    pub(super) async fn transcribe(&self, model: &str, headers: &HeaderMap, body: Bytes) -> Response {
        let kind = headers.get("content-type").cloned();
        let request = self.endpoint.transcriptions(&self.http, &key(headers), model);
        pass(request.header("content-type", kind.unwrap_or(JSON)).body(body)).await
    }
}

/// The key that the bot sent: a stand-in is always asked in OpenAI's form.
fn key(headers: &HeaderMap) -> SecretString {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    authorization.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().into()
}

async fn pass(request: RequestBuilder) -> Response {
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
