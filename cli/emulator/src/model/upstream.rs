//! The real model behind `henji dev`. The bot's requests are passed on unchanged, so that the page can show them and
//! its controls can plan faults for them.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue},
    response::Response,
};
use reqwest::RequestBuilder;
use secrecy::SecretString;

use crate::respond::respond;

/// The time-out of a request, longer than any attempt of the bot, so that the bot gives up first.
const TIMEOUT: Duration = Duration::from_hours(1);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The headers of an answer that are passed on, because the bot reads them.
const PASSED_ON: [&str; 5] =
    ["content-type", "retry-after", "retry-after-ms", "x-request-id", "apim-request-id"];

/// The kinds of calls.
#[derive(Clone, Copy)]
pub enum Call<'a> {
    /// The list of models.
    Models,
    /// One model of this name.
    Model(&'a str),
    /// A question to the model.
    Completion,
    /// A recording for this transcription model.
    Transcription(&'a str),
}

/// A function that makes the request for a call, with its address and the key but without a body. Servers differ in
/// paths and headers.
pub type Requests = Box<dyn Fn(Call<'_>, &SecretString) -> RequestBuilder + Send + Sync>;

/// A chat-completions server.
pub(super) struct Upstream(pub(super) Requests);

impl Upstream {
    pub(super) async fn pass_on(&self, call: Call<'_>, headers: &HeaderMap, body: Option<Bytes>) -> Response {
        let mut request = (self.0)(call, &key(headers));
        if let Some(body) = body {
            let kind = headers.get("content-type").cloned().unwrap_or(JSON);
            request = request.header("content-type", kind).body(body);
        }
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
}

/// Returns the key that the bot sent. The bot always calls the emulator in OpenAI's form.
fn key(headers: &HeaderMap) -> SecretString {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
    authorization.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().into()
}
