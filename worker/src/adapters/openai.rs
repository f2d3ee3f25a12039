//! The model: any server that speaks the chat-completions API (`POST {base}/chat/completions`).
//!
//! It turns each way in which a model really behaves into one typed [`ModelError`]; what to do about
//! it is [`crate::ask`]'s part. What the model or a person wrote is never in an error.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use reqwest::{Client, StatusCode};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use shared::secret::Secret;

use super::http;
use crate::{
    config::Config,
    conversation::Message,
    outcome::{Failure, Reason, Remedy},
    prompt::Prompt,
};

/// The largest response that is read.
const BODY_MAX: usize = 8 << 20;
/// How long it may take to look up whether the model exists.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of one model.
pub struct OpenAi {
    http: Client,
    base_url: String,
    model: String,
    key: Secret,
    /// Whether the server wants `max_completion_tokens`; learned from its refusal.
    completion_limit: AtomicBool,
    clock: crate::answer::Clock,
}

/// An answer.
#[derive(Debug)]
pub struct Completion {
    /// What the model wrote, not blank.
    pub text: String,
    /// It reached the longest length and is not finished.
    pub cut: bool,
    /// Tokens of the prompt, as the server counts them.
    pub prompt_tokens: u64,
    /// Tokens of the answer, as the server counts them.
    pub completion_tokens: u64,
}

/// There is no answer.
#[derive(Debug)]
pub enum ModelError {
    /// The prompt is longer than the model's context.
    ContextLength,
    /// All tokens went into thought: nothing was written within the limit.
    NothingWithinLimit,
    /// The key is refused.
    Unauthorized(Failure),
    /// Anything else.
    Failed(Failure),
}

#[derive(Serialize)]
struct Request<'a> {
    model: &'a str,
    messages: &'a [Message],
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<usize>,
}

#[derive(Deserialize)]
struct Response {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Usage,
}

#[derive(Deserialize)]
struct Choice {
    message: Answer,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    content: Option<String>,
    refusal: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: u64,
    completion_tokens: u64,
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    #[serde(default)]
    error: ErrorObject,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorObject {
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<serde_json::Value>,
    param: Option<String>,
}

impl OpenAi {
    /// A client with the settings' model and base URL.
    pub fn new(config: &Config, http: Client, key: Secret, clock: crate::answer::Clock) -> Self {
        Self {
            http,
            base_url: config.openai_base_url.clone(),
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
        let asked = self
            .http
            .get(format!("{}/models/{}", self.base_url, self.model))
            .bearer_auth(self.key.current().expose_secret())
            .timeout(LOOK_UP_TIMEOUT)
            .send();
        let Ok(response) = asked.await else { return false };
        if response.status() != StatusCode::NOT_FOUND {
            return false;
        }
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        let error = serde_json::from_slice::<ErrorBody>(&body).unwrap_or_default().error;
        error.code.is_some_and(|code| code == "model_not_found")
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
        };
        let passing = |detail: String| {
            Refusal::Error(ModelError::Failed(Failure::passing(Reason::ModelUnavailable, detail)))
        };
        let broken = |error: reqwest::Error| passing(http::no_response(&error).to_owned());
        let body =
            serde_json::to_vec(&request).map_err(|_| passing("the request could not be written".into()))?;
        let response = self
            .http
            .post(format!("{}/chat/completions", self.base_url))
            .bearer_auth(self.key.current().expose_secret())
            .header("content-type", "application/json")
            .timeout(timeout)
            .body(body)
            .send()
            .await
            .map_err(broken)?;
        let status = response.status();
        let retry_after = http::retry_after(response.headers(), (self.clock)());
        let request_id = response.headers().get("x-request-id").and_then(|v| v.to_str().ok());
        let request_id = http::identifier(request_id.unwrap_or("")).to_owned();
        let body = http::body(response, BODY_MAX).await.map_err(broken)?.unwrap_or_default();
        if status.is_success() {
            return completion(&body).map_err(Refusal::Error);
        }
        let error = serde_json::from_slice::<ErrorBody>(&body).unwrap_or_default().error;
        Err(refusal(status, &error, retry_after, newer, &request_id))
    }
}

/// Why a request was refused, before the token limit's name is settled.
enum Refusal {
    /// The limit goes by its other name.
    OtherLimit,
    Error(ModelError),
}

impl Refusal {
    fn last(self) -> ModelError {
        match self {
            Self::Error(error) => error,
            Self::OtherLimit => ModelError::Failed(Failure::lasting(
                Reason::ModelRefused,
                "the server takes neither max_tokens nor max_completion_tokens",
            )),
        }
    }
}

fn completion(body: &[u8]) -> Result<Completion, ModelError> {
    let passing = |detail: &str| ModelError::Failed(Failure::passing(Reason::ModelUnavailable, detail));
    let refused = |detail: &str| ModelError::Failed(Failure::lasting(Reason::ModelRefused, detail));
    let response: Response =
        serde_json::from_slice(body).map_err(|_| passing("status 200, but the body is no completion"))?;
    let Response { choices, usage } = response;
    let Some(choice) = choices.into_iter().next() else {
        return Err(passing("status 200, but no choices"));
    };
    let finish = choice.finish_reason.as_deref().unwrap_or("");
    let text = choice.message.content.unwrap_or_default();
    if !text.trim().is_empty() {
        return Ok(Completion {
            text: text.trim().to_owned(),
            cut: matches!(finish, "length" | "content_filter"),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
        });
    }
    match finish {
        _ if choice.message.refusal.is_some_and(|r| !r.is_empty()) => Err(refused("the model refused")),
        "content_filter" => Err(refused("the content filter left nothing")),
        "length" => Err(ModelError::NothingWithinLimit),
        _ => Err(passing("status 200, but the answer is empty")),
    }
}

/// The typed outcome of an error status (OpenAI, "Error codes").
fn refusal(
    status: StatusCode,
    error: &ErrorObject,
    retry_after: Option<Duration>,
    newer: bool,
    request_id: &str,
) -> Refusal {
    let code = error.code.as_ref().and_then(|c| c.as_str()).unwrap_or("");
    let kind = error.kind.as_deref().unwrap_or("");
    let message = error.message.as_deref().unwrap_or("");
    let named = if code.is_empty() { kind } else { code };
    let detail = format!("status {} {}, request {request_id}", status.as_u16(), http::identifier(named));
    let lasting = |reason| Refusal::Error(ModelError::Failed(Failure::lasting(reason, detail.clone())));

    let (mine, other) =
        if newer { ("max_completion_tokens", "max_tokens") } else { ("max_tokens", "max_completion_tokens") };
    let about_limit = error.param.as_deref() == Some(mine) || message.contains(mine);
    match status.as_u16() {
        400 | 413 | 422
            if code == "context_length_exceeded" || message.contains("maximum context length") =>
        {
            Refusal::Error(ModelError::ContextLength)
        }
        400 | 422 if about_limit && (code == "unsupported_parameter" || message.contains(other)) => {
            Refusal::OtherLimit
        }
        401 => Refusal::Error(ModelError::Unauthorized(Failure::lasting(Reason::ModelAuth, detail))),
        403 => lasting(Reason::ModelAuth),
        _ if code == "insufficient_quota" || kind == "insufficient_quota" => lasting(Reason::ModelQuota),
        404 => lasting(Reason::ModelGone),
        _ if code == "model_not_found" => lasting(Reason::ModelGone),
        408 | 429 | 500.. => Refusal::Error(ModelError::Failed(Failure {
            remedy: Remedy::Retry(retry_after),
            ..Failure::passing(Reason::ModelUnavailable, detail)
        })),
        _ => lasting(Reason::ModelRefused),
    }
}

#[cfg(test)]
mod tests;
