//! What a chat-completions server says, as typed outcomes. Pure.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::{
    adapters::http,
    history::Tokens,
    outcome::{Failure, Reason, Remedy},
};

/// What came back for a request.
pub(super) struct Sent {
    pub(super) status: StatusCode,
    /// How long to wait, if the server says it.
    pub(super) retry_after: Option<Duration>,
    /// The server's name of the request.
    pub(super) request_id: String,
    pub(super) body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Completion {
    /// What the model wrote, not blank.
    pub text: String,
    /// It reached the longest length and is not finished.
    pub cut: bool,
    /// What it cost.
    pub tokens: Tokens,
    /// The server's name of the request.
    pub request: String,
}

/// There is no answer.
#[derive(Debug)]
pub enum ModelError {
    /// The prompt is longer than the model's context.
    ContextLength,
    /// All tokens went into thought: nothing was written within the limit.
    NothingWithinLimit,
    /// The picture beside the question is refused: it cannot be read, or the model does not see.
    NotSeen,
    /// The key is refused.
    Unauthorized(Failure),
    /// Anything else.
    Failed(Failure),
}

/// Why a request was refused, before the token limit's name is settled.
pub(super) enum Refusal {
    /// The limit goes by its other name.
    OtherLimit,
    Error(ModelError),
}

impl Refusal {
    pub(super) fn last(self) -> ModelError {
        match self {
            Self::Error(error) => error,
            Self::OtherLimit => ModelError::Failed(Failure::lasting(
                Reason::ModelRefused,
                "the server takes neither max_tokens nor max_completion_tokens",
            )),
        }
    }
}

pub(super) fn completion(body: &[u8], request: &str) -> Result<Completion, ModelError> {
    let passing = |detail: &str| ModelError::Failed(Failure::passing(Reason::ModelUnavailable, detail));
    let refused = |detail: &str| ModelError::Failed(Failure::lasting(Reason::ModelRefused, detail));
    let response: Response =
        serde_json::from_slice(body).map_err(|_| passing("status 200, but the body is no completion"))?;
    let Response { choices, usage } = response;
    // Sums of them are kept for years, in 64 bits; whatever a server claims, none may spoil a sum.
    let count =
        |at: &str| usage.pointer(at).and_then(serde_json::Value::as_u64).unwrap_or(0).min(u32::MAX.into());
    let prompt = count("/prompt_tokens");
    let tokens = Tokens {
        prompt,
        cached: count("/prompt_tokens_details/cached_tokens").min(prompt),
        completion: count("/completion_tokens"),
    };
    let Some(choice) = choices.into_iter().next() else {
        return Err(passing("status 200, but no choices"));
    };
    let finish = choice.finish_reason.as_deref().unwrap_or("");
    let text = choice.message.content.unwrap_or_default();
    if !text.trim().is_empty() {
        return Ok(Completion {
            text: text.trim().to_owned(),
            cut: matches!(finish, "length" | "content_filter"),
            tokens,
            request: request.to_owned(),
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
pub(super) fn refusal(
    Sent { status, retry_after, request_id, .. }: &Sent,
    body: &ErrorBody,
    newer: bool,
) -> Refusal {
    let ErrorBody { error } = body;
    let code = error.code();
    let kind = error.kind.as_deref().unwrap_or("");
    let message = error.message.as_deref().unwrap_or("");
    let detail = format!("status {} {}, request {request_id}", status.as_u16(), body.named());
    let lasting = |reason| Refusal::Error(ModelError::Failed(Failure::lasting(reason, detail.clone())));

    let passing = || {
        let failure = Failure::passing(Reason::ModelUnavailable, detail.clone());
        Refusal::Error(ModelError::Failed(Failure { remedy: Remedy::Retry(*retry_after), ..failure }))
    };
    // Servers say it in many words; that the number itself is too large is another complaint.
    let limit = if newer { "max_completion_tokens" } else { "max_tokens" };
    let about_limit = error.param.as_deref() == Some(limit) || message.contains(limit);
    match status.as_u16() {
        400 | 413 | 422
            if code == "context_length_exceeded" || message.contains("maximum context length") =>
        {
            Refusal::Error(ModelError::ContextLength)
        }
        400 | 422 if about_limit && !message.contains("too large") => Refusal::OtherLimit,
        401 => Refusal::Error(ModelError::Unauthorized(Failure::lasting(Reason::ModelAuth, detail))),
        _ if code == "insufficient_quota" || kind == "insufficient_quota" => lasting(Reason::ModelQuota),
        404 => lasting(Reason::ModelGone),
        _ if body.says_model_not_found() => lasting(Reason::ModelGone),
        403 => lasting(Reason::ModelAuth),
        // A redirect is a wrong base URL, no word about the question.
        300..400 | 408 | 429 | 500.. => passing(),
        _ => lasting(Reason::ModelRefused),
    }
}

#[derive(Deserialize)]
struct Response {
    choices: Vec<Choice>,
    /// Only for the log: whatever is in it, the answer is one.
    #[serde(default)]
    usage: serde_json::Value,
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
pub(super) struct ErrorBody {
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

impl ErrorObject {
    /// The code, where it is a word; some servers write a number.
    fn code(&self) -> &str {
        self.code.as_ref().and_then(serde_json::Value::as_str).unwrap_or("")
    }
}

impl ErrorBody {
    /// What a body says; nothing where it is not an error as OpenAI writes it.
    pub(super) fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }

    /// What the server calls it, by its code or else its type.
    pub(super) fn named(&self) -> &str {
        let code = self.error.code();
        http::identifier(if code.is_empty() { self.error.kind.as_deref().unwrap_or("") } else { code })
    }

    /// Whether the request is refused for what it names here.
    pub(super) fn is_about(&self, param: &str) -> bool {
        self.error.param.as_deref() == Some(param)
    }

    /// Whether a request with a picture is refused for the picture. Servers say it in many words, mostly
    /// about the form of the message, and llama.cpp as a fault of its own; without the picture, the same
    /// request would be a good one.
    pub(super) fn refuses_picture(&self, status: StatusCode) -> bool {
        let (code, message) = (self.error.code(), self.error.message.as_deref().unwrap_or(""));
        let is_other = code == "context_length_exceeded"
            || ["maximum context length", "max_tokens", "max_completion_tokens"]
                .iter()
                .any(|words| message.contains(words))
            || ["content_filter", "content_policy", "quota", "model"].iter().any(|word| code.contains(word))
            || self.is_about("model");
        match status.as_u16() {
            400 | 413 | 415 | 422 => !is_other,
            // 404: OpenRouter, where no provider of the model sees.
            404 | 500 => ["image input", "image_url"].iter().any(|words| message.contains(words)),
            _ => false,
        }
    }

    /// Whether the server does not know the model, whatever the status.
    pub(super) fn says_model_not_found(&self) -> bool {
        let words = [self.error.code(), self.error.kind.as_deref().unwrap_or("")];
        words.iter().any(|word| ["model_not_found", "DeploymentNotFound"].contains(word))
    }
}

#[cfg(test)]
mod tests;
