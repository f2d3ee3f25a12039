//! The model: any server that speaks the chat-completions API.
//!
//! It turns each way in which a model really behaves into one typed [`ModelError`]; what to do about
//! it is [`crate::turn::ask_model`]'s part. What the model or a person wrote is never in an error.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::SecretString;
use shared::secret::Secret;
use tokio::time::Instant;

use self::{
    request::{Messages, Request},
    response::{Refusal, Sent},
};
use super::http::{self, NoResponse};
use crate::{
    config::Config,
    failure::{Failure, Reason},
    rules::image::Picture,
    rules::prompt::Prompt,
};

mod endpoint;
mod error;
mod request;
mod response;
mod transcribe;
mod written;

pub use self::{
    endpoint::Endpoint,
    error::ErrorBody,
    response::{Completion, ModelError},
    transcribe::{BYTES_MAX as RECORDING_MAX, Heard},
};

/// The largest response that is read.
const BODY_MAX: usize = 8 << 20;
/// How long it may take to look up whether the model exists.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of one model.
pub struct ModelClient {
    http: Client,
    endpoint: Endpoint,
    model: String,
    key: Secret,
    /// Whether the server wants `max_completion_tokens`; learned where it took the other name.
    completion_limit: AtomicBool,
    clock: crate::clock::Clock,
}

impl ModelClient {
    /// A client with the settings' model and base URL.
    pub fn new(config: &Config, http: Client, key: Secret, clock: crate::clock::Clock) -> Self {
        Self {
            http,
            endpoint: config.openai.clone(),
            model: config.model.clone(),
            key,
            completion_limit: config.completion_limit.into(),
            clock,
        }
    }

    /// Asks once, with a picture beside the question if there is one, and once more where the server wants
    /// the token limit under its other name.
    pub async fn complete(
        &self,
        prompt: &Prompt,
        picture: Option<&Picture>,
        max_tokens: usize,
        timeout: Duration,
    ) -> Result<Completion, ModelError> {
        let newer = self.completion_limit.load(Relaxed);
        match self.post(prompt, picture, max_tokens, newer, timeout).await {
            Err(Refusal::OtherLimit) => {
                let other = self.post(prompt, picture, max_tokens, !newer, timeout).await;
                if other.is_ok() {
                    self.completion_limit.store(!newer, Relaxed);
                }
                other.map_err(Refusal::last)
            }
            other => other.map_err(Refusal::last),
        }
    }

    /// Whether the server says that it does not know the model. Servers without the models API, and
    /// failures of any kind, do not say so.
    pub async fn is_gone(&self) -> bool {
        let Ok(key) = self.key.value().await else { return false };
        let asked = self.endpoint.look_up(&self.http, &key, &self.model);
        let Ok(response) = asked.timeout(LOOK_UP_TIMEOUT).send().await else { return false };
        if response.status() != StatusCode::NOT_FOUND {
            return false;
        }
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        ErrorBody::of(&body).says_model_not_found()
    }

    async fn post(
        &self,
        prompt: &Prompt,
        picture: Option<&Picture>,
        max_tokens: usize,
        newer: bool,
        timeout: Duration,
    ) -> Result<Completion, Refusal> {
        let request = Request {
            model: &self.model,
            messages: Messages(prompt.messages(), picture),
            max_tokens: (!newer).then_some(max_tokens),
            max_completion_tokens: newer.then_some(max_tokens),
            prompt_cache_key: prompt.of.filter(|_| self.endpoint.is_openai()).map(|of| of.to_string()),
        };
        let body: Bytes = serde_json::to_vec(&request)
            .map_err(|_| Refusal::Error(ModelError::Failed(unavailable("the request could not be written"))))?
            .into();
        let ask = |key: &SecretString| {
            let asked = self.endpoint.completions(&self.http, key);
            asked.header("content-type", "application/json").body(body.clone())
        };
        let answer = self.send(ask, timeout).await.map_err(Refusal::Error)?;
        let Sent { status, body, .. } = &answer;
        let request = answer.shown(&answer.request_id);
        if status.is_success() {
            let mut completion = response::completion(body, request).map_err(Refusal::Error)?;
            completion.text = answer.told(completion.text);
            return Ok(completion);
        }
        let error = ErrorBody::of(body);
        if picture.is_some() && error.refuses_picture(*status) {
            let code = answer.shown(error.named());
            tracing::info!(status = status.as_u16(), code, request, "the picture was refused");
            return Err(Refusal::Error(ModelError::NotSeen));
        }
        Err(response::refusal(&answer, &error, newer))
    }

    /// Sends what `ask` makes of the key and reads all of what comes back, whatever it says; of a body longer than
    /// `BODY_MAX` nothing.
    async fn send(
        &self,
        ask: impl Fn(&SecretString) -> RequestBuilder,
        timeout: Duration,
    ) -> Result<Sent, ModelError> {
        let deadline = Instant::now() + timeout;
        let in_time =
            |key: &SecretString| ask(key).timeout(deadline.saturating_duration_since(Instant::now()));
        let sent = async {
            let (response, key) = http::send_under(&self.key, "the key", deadline, in_time).await?;
            Ok(Sent {
                key,
                status: response.status(),
                retry_after: http::retry_after(response.headers(), (self.clock)()),
                request_id: http::request_id(response.headers()),
                body: http::body(response, BODY_MAX).await?.unwrap_or_default(),
            })
        };
        sent.await.map_err(|NoResponse { detail, was_sent }| {
            let failure = unavailable(detail);
            if was_sent { ModelError::Unusable(failure) } else { ModelError::Failed(failure) }
        })
    }
}

fn unavailable(detail: impl Into<String>) -> Failure {
    Failure::passing(Reason::ModelUnavailable, detail)
}
