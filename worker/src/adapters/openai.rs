//! The model: any server that speaks the chat-completions API.
//!
//! It turns each way in which a model really behaves into one typed [`ModelError`]; what to do about
//! it is [`crate::ask`]'s part. What the model or a person wrote is never in an error.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use reqwest::{Client, StatusCode};
use serde::Serialize;
use shared::secret::Secret;

use self::response::{ErrorBody, Refusal};
use super::http;
use crate::{
    config::Config,
    conversation::Message,
    outcome::{Failure, Reason},
    prompt::Prompt,
};

mod endpoint;
mod response;

pub use self::endpoint::Endpoint;
pub use self::response::{Completion, ModelError};

/// The largest response that is read.
const BODY_MAX: usize = 8 << 20;
/// How long it may take to look up whether the model exists.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of one model.
pub struct OpenAi {
    http: Client,
    endpoint: Endpoint,
    model: String,
    key: Secret,
    /// Whether the server wants `max_completion_tokens`; learned from its refusal.
    completion_limit: AtomicBool,
    clock: crate::answer::Clock,
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<usize>,
    /// Leads prompts that begin alike to where the beginning is cached (OpenAI, "Prompt caching"). Azure's
    /// older versions, Groq, Cerebras, Mistral and Gemini refuse a request with a field that they do not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<String>,
}

impl OpenAi {
    /// A client with the settings' model and base URL.
    pub fn new(config: &Config, http: Client, key: Secret, clock: crate::answer::Clock) -> Self {
        Self {
            http,
            endpoint: config.openai.clone(),
            model: config.model.clone(),
            key,
            completion_limit: config.completion_limit.into(),
            clock,
        }
    }

    /// Goes back to the key's source; true if it is another one now.
    pub async fn reread_key(&self) -> bool {
        self.key.reread().await
    }

    /// Asks once, and once more where the server wants the token limit under its other name.
    pub async fn complete(
        &self,
        prompt: &Prompt,
        max_tokens: usize,
        timeout: Duration,
    ) -> Result<Completion, ModelError> {
        let newer = self.completion_limit.load(Relaxed);
        match self.post(prompt, max_tokens, newer, timeout).await {
            Err(Refusal::OtherLimit) => {
                self.completion_limit.store(!newer, Relaxed);
                self.post(prompt, max_tokens, !newer, timeout).await.map_err(Refusal::last)
            }
            other => other.map_err(Refusal::last),
        }
    }

    /// Whether the server says that it does not know the model. Servers without the models API, and
    /// failures of any kind, do not say so.
    pub async fn is_gone(&self) -> bool {
        let asked = self.endpoint.look_up(&self.http, &self.key.current(), &self.model);
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
        max_tokens: usize,
        newer: bool,
        timeout: Duration,
    ) -> Result<Completion, Refusal> {
        let request = Request {
            model: &self.model,
            messages: prompt.messages(),
            max_tokens: (!newer).then_some(max_tokens),
            max_completion_tokens: newer.then_some(max_tokens),
            prompt_cache_key: prompt.of.filter(|_| self.endpoint.is_openai()).map(|of| of.to_string()),
        };
        let passing = |detail: String| {
            Refusal::Error(ModelError::Failed(Failure::passing(Reason::ModelUnavailable, detail)))
        };
        let broken = |error: reqwest::Error| passing(http::no_response(&error));
        let body =
            serde_json::to_vec(&request).map_err(|_| passing("the request could not be written".into()))?;
        let response = self
            .endpoint
            .completions(&self.http, &self.key.current())
            .header("content-type", "application/json")
            .timeout(timeout)
            .body(body)
            .send()
            .await
            .map_err(broken)?;
        let status = response.status();
        let retry_after = http::retry_after(response.headers(), (self.clock)());
        let request_id = http::request_id(response.headers());
        let body = http::body(response, BODY_MAX).await.map_err(broken)?.unwrap_or_default();
        if status.is_success() {
            return response::completion(&body, &request_id).map_err(Refusal::Error);
        }
        let error = ErrorBody::of(&body);
        Err(response::refusal(status, &error, retry_after, newer, &request_id))
    }
}
