//! The responses of a chat-completions server as typed results. Pure.

use std::{borrow::Cow, time::Duration};

use reqwest::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use super::{error::ErrorBody, written::Written};
use crate::{
    failure::{Failure, Reason, RetryPolicy},
    history::Tokens,
    text::clean::clean,
    text::redact,
};

/// The response to a request that was sent.
pub(super) struct Sent {
    pub(super) status: StatusCode,
    /// The time to wait, if the server gives one.
    pub(super) retry_after: Option<Duration>,
    /// The server's id of the request.
    pub(super) request_id: String,
    pub(super) body: Vec<u8>,
    /// The key that the server received.
    pub(super) key: SecretString,
}

impl Sent {
    /// Returns an identifier that the server wrote, unless it reveals the key.
    pub(super) fn shown<'a>(&self, word: &'a str) -> &'a str {
        redact::identifier(word, &self.key)
    }

    /// Returns a text that the model wrote, without the key.
    pub(super) fn told(&self, text: String) -> String {
        match redact::redacted(&text, &self.key) {
            Cow::Owned(clear) => clear,
            Cow::Borrowed(_) => text,
        }
    }
}

/// An answer of the model.
#[derive(Debug)]
pub struct Completion {
    /// The text that the model wrote. It is not blank.
    pub text: String,
    /// Whether the answer reached the longest length and is not finished.
    pub cut: bool,
    /// The tokens that the answer cost.
    pub tokens: Tokens,
    /// The server's id of the request.
    pub request: String,
}

/// The reason why there is no answer.
#[derive(Debug)]
pub enum ModelError {
    /// The prompt is longer than the model's context.
    ContextLength,
    /// The model used all tokens for its thought, and wrote nothing within the limit.
    NothingWithinLimit,
    /// The image beside the question is refused: it cannot be read, or the model cannot see images.
    ImageRefused,
    /// The key is refused, and no other one has taken its place.
    Unauthorized(Failure),
    /// Any other failure, before the server has done anything that it asks money for.
    Failed(Failure),
    /// An unusable result of a call that is paid for, or may be: the server answered 200, or the request was sent and
    /// nothing came back.
    Unusable(Failure),
}

impl ModelError {
    /// Whether the call is paid for, or may be.
    pub(crate) fn is_paid(&self) -> bool {
        matches!(self, Self::NothingWithinLimit | Self::Unusable(_))
    }
}

/// The reason why a request was refused, before the name of the token limit is settled.
pub(super) enum Refusal {
    /// The server wants the other name of the limit.
    OtherLimit,
    Error(ModelError),
}

impl Refusal {
    pub(super) fn last(self) -> ModelError {
        match self {
            Self::Error(error) => error,
            Self::OtherLimit => ModelError::Failed(Failure::permanent(
                Reason::ModelRefused,
                "the server takes neither max_tokens nor max_completion_tokens",
            )),
        }
    }
}

pub(super) fn completion(body: &[u8], request: &str) -> Result<Completion, ModelError> {
    let passing = |detail: &str| ModelError::Unusable(Failure::retryable(Reason::ModelUnavailable, detail));
    let refused = |detail: &str| ModelError::Unusable(Failure::permanent(Reason::ModelRefused, detail));
    let response: Response =
        serde_json::from_slice(body).map_err(|_| passing("status 200, but the body is no completion"))?;
    let Response { choices, usage } = response;
    // Sums of these numbers are kept for years, in 64 bits. No number that a server sends may overflow a sum.
    let count = |at: &str| usage.pointer(at).and_then(Value::as_u64).unwrap_or(0).min(u32::MAX.into());
    let prompt = count("/prompt_tokens");
    let tokens = Tokens {
        prompt,
        cached: count("/prompt_tokens_details/cached_tokens").min(prompt),
        cache_written: count("/prompt_tokens_details/cache_write_tokens").min(prompt),
        completion: count("/completion_tokens"),
    };
    let Some(choice) = choices.into_iter().next() else {
        return Err(passing("status 200, but no choices"));
    };
    let finish = choice.finish_reason.as_str().unwrap_or("");
    if finish == "error" {
        // OpenRouter, "Errors and Debugging": the text that came is incomplete.
        return Err(passing("status 200, but the answer broke off"));
    }
    let Written(text) = choice.message.content.unwrap_or_default();
    let text = clean(without_thought(&text, finish));
    let text = text.trim();
    if !text.is_empty() {
        return Ok(Completion {
            text: text.to_owned(),
            cut: finish == "length",
            tokens,
            request: request.to_owned(),
        });
    }
    match finish {
        _ if choice.message.refusal.is_some_and(|Written(words)| !words.is_empty()) => {
            Err(refused("the model refused"))
        }
        "content_filter" => Err(refused("the content filter left nothing")),
        "length" => Err(ModelError::NothingWithinLimit),
        _ => Err(passing("status 200, but the answer is empty")),
    }
}

/// Returns the text without the thought that reasoning models of llama.cpp, Ollama and vLLM write before it, if their
/// server does not remove it. A thought without an end counts as a thought only if the tokens ran out in it.
fn without_thought<'a>(text: &'a str, finish: &str) -> &'a str {
    let Some(thought) = text.trim_start().strip_prefix("<think>") else { return text };
    match thought.split_once("</think>") {
        Some((_, said)) => said,
        None if finish == "length" => "",
        None => text,
    }
}

/// Returns the typed result of an error status (OpenAI, "Error codes").
pub(super) fn refusal(sent: &Sent, error: &ErrorBody, newer: bool) -> Refusal {
    let Sent { status, retry_after, .. } = sent;
    let [name, request] = [error.named(), sent.request_id.as_str()].map(|word| sent.shown(word));
    let detail = format!("status {} {name}, request {request}", status.as_u16());
    let lasting = |reason| Refusal::Error(ModelError::Failed(Failure::permanent(reason, detail.clone())));
    let passing = || {
        let failure = Failure::retryable(Reason::ModelUnavailable, detail.clone());
        Refusal::Error(ModelError::Failed(Failure { retry: RetryPolicy::Retry(*retry_after), ..failure }))
    };
    // Servers report this in many different words. A number that is itself too large is another problem.
    let limit = if newer { "max_completion_tokens" } else { "max_tokens" };
    let about_limit = error.is_about(limit) || error.says(&[limit]);
    match status.as_u16() {
        401 => Refusal::Error(ModelError::Unauthorized(Failure::permanent(Reason::ModelAuth, detail))),
        _ if error.is_too_long() => Refusal::Error(ModelError::ContextLength),
        400 | 422 if about_limit && !error.says(&["too large"]) => Refusal::OtherLimit,
        _ if error.is_unpaid(*status) => lasting(Reason::ModelQuota),
        404 => lasting(Reason::ModelGone),
        _ if error.says_model_not_found() => lasting(Reason::ModelGone),
        403 if !error.is_moderated() => lasting(Reason::ModelAuth),
        // A redirect means a wrong base URL. It says nothing about the question.
        300..400 | 408 | 409 | 424 | 425 | 429 | 498 | 500.. => passing(),
        _ => lasting(Reason::ModelRefused),
    }
}

#[derive(Deserialize)]
struct Response {
    choices: Vec<Choice>,
    /// The tokens that the call cost. The answer is valid, whatever this contains.
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Choice {
    message: Answer,
    #[serde(default)]
    finish_reason: Value,
}

#[derive(Deserialize)]
struct Answer {
    content: Option<Written>,
    refusal: Option<Written>,
}

#[cfg(test)]
mod tests;
