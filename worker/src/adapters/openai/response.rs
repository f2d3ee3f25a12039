//! The responses of a chat-completions server as typed results. Pure.

use std::{borrow::Cow, time::Duration};

use reqwest::StatusCode;
use secrecy::SecretString;
use serde_json::Value;

use super::{
    body::{self, Answer, Unread},
    error::ErrorBody,
    refusal::{Asked, BASE_URL, Refusal, refusal},
};
use crate::{
    adapters::http,
    failure::{Failure, Reason},
    history::Tokens,
    text::{
        clean::clean,
        redact,
        thoughts::{self, without_thoughts},
    },
};

/// The response to a request that was sent.
pub(super) struct Sent {
    pub(super) status: StatusCode,
    /// The time to wait, if the server gives one.
    pub(super) retry_after: Option<Duration>,
    /// Whether the server says that a retry is of use, if it says so (`x-should-retry`).
    pub(super) should_retry: Option<bool>,
    /// The server's id of the request.
    pub(super) request_id: String,
    /// The body, unpacked.
    pub(super) body: Vec<u8>,
    /// The reason why the body ends too early, if it does.
    pub(super) broken: Option<String>,
    /// The key that the server received.
    pub(super) key: SecretString,
}

impl Sent {
    /// Returns an identifier that the server wrote, unless it reveals the key.
    pub(super) fn shown<'a>(&self, word: &'a str) -> &'a str {
        redact::identifier(word, &self.key)
    }

    /// Whether the body is text that is neither JSON nor empty.
    pub(super) fn is_text(&self) -> bool {
        self.body.first().is_some_and(|first| !b"{[\"".contains(first))
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
    /// The name of the model.
    pub model: String,
    /// The text that the model wrote. It is not blank.
    pub text: String,
    /// Whether the answer is not finished, because it reached a limit or broke off.
    pub cut: bool,
    /// Whether the answer reached a limit that is lower than the one in the request, as far as the server counts its
    /// tokens: the context was full, or the server has a limit of its own.
    pub is_below_limit: bool,
    /// Whether the text began within a thought, because the server has begun the thought in its prompt.
    pub(super) opens_thoughts: bool,
    /// The tokens that the answer cost.
    pub tokens: Tokens,
    /// The server's id of the request.
    pub request: String,
}

/// The reason why there is no answer.
#[derive(Debug)]
pub enum ModelError {
    /// The prompt is longer than the model's context, whose size in tokens the server may have named.
    ContextLength(Option<usize>),
    /// The prompt is longer than the model's context, or has no room beside the prompts of others: llama.cpp shares one
    /// context between its slots.
    ContextFull(Failure),
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
    /// Returns the failure, if this is one.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Unauthorized(failure)
            | Self::Failed(failure)
            | Self::Unusable(failure)
            | Self::ContextFull(failure) => Some(failure),
            Self::ContextLength(_) | Self::NothingWithinLimit | Self::ImageRefused => None,
        }
    }

    /// Whether the call is paid for, or may be.
    pub(crate) fn is_paid(&self) -> bool {
        matches!(self, Self::NothingWithinLimit | Self::Unusable(_))
    }
}

/// Returns the answer in a response of success.
pub(super) fn completion(sent: &Sent, asked: Asked<'_>) -> Result<Completion, Refusal> {
    let retryable = |detail: String| unusable(Failure::retryable(Reason::ModelUnavailable, detail));
    let refused = |detail: String| unusable(Failure::permanent(Reason::ModelRefused, detail));
    let request = sent.shown(&sent.request_id);
    let status = format!("status {}", sent.status.as_u16());
    let answer = body::read(&sent.body, sent.broken.is_none());
    let Answer { text, is_refused, finish, breaks_off, usage, has_choice } = match (answer, &sent.broken) {
        (Ok(answer), _) => answer,
        (Err(Unread::Error(error)), _) => {
            return Err(match refusal(sent, &ErrorBody::of_value(&error), Some(asked)) {
                Refusal::Error(ModelError::Failed(failure)) => unusable(failure),
                other => other,
            });
        }
        (Err(Unread::Html), _) => {
            let detail = format!("{status}, request {request}; the address answers HTML; {BASE_URL}");
            return Err(unusable(Failure::permanent(Reason::ModelUnavailable, detail)));
        }
        (Err(_), Some(broken)) => return Err(retryable(format!("{status}, but {broken}"))),
        (Err(Unread::NoJson), _) => return Err(retryable(format!("{status}, but the body is no JSON"))),
        (Err(Unread::NoCompletion), _) => {
            return Err(retryable(format!("{status}, but the body is no completion")));
        }
    };
    if !has_choice {
        return Err(retryable(format!("{status}, but {}", sent.broken.as_deref().unwrap_or("no choices"))));
    }
    let tokens = tokens(&usage);
    let end = End::of(&finish);
    if end == End::BrokenOff {
        return Err(retryable(format!("{status}, but the answer broke off: {}", http::identifier(&finish))));
    }
    let said = without_thoughts(&text);
    let opens_thoughts = thoughts::begins_within(&text);
    // The thought of such a model has no mark before its end.
    let said = if end == End::Cut && asked.opens_thoughts && !opens_thoughts { "".into() } else { said };
    let text = clean(&said);
    let text = text.trim();
    if !text.is_empty() {
        return Ok(Completion {
            model: asked.model.to_owned(),
            text: text.to_owned(),
            cut: breaks_off || end == End::Cut,
            is_below_limit: end == End::Cut && (1..asked.max_tokens as u64).contains(&tokens.completion),
            opens_thoughts,
            tokens,
            request: request.to_owned(),
        });
    }
    Err(match end {
        _ if is_refused => refused("the model refused".to_owned()),
        End::Refused => refused(format!("the content filter left nothing: {}", http::identifier(&finish))),
        End::Cut => Refusal::Error(ModelError::NothingWithinLimit),
        _ if breaks_off => retryable(format!("{status}, but the answer broke off before its first word")),
        End::Finished => retryable(format!("{status}, but the answer is empty")),
        _ => retryable(format!("{status}, but the answer is empty: {}", http::identifier(&finish))),
    })
}

fn unusable(failure: Failure) -> Refusal {
    Refusal::Error(ModelError::Unusable(failure))
}

/// Returns the tokens of a server's account. Sums of these numbers are kept for years, in 64 bits. No number that a
/// server sends may overflow a sum.
fn tokens(usage: &Value) -> Tokens {
    let count = |at: &str| usage.pointer(at).and_then(Value::as_u64).unwrap_or(0).min(u32::MAX.into());
    let prompt = count("/prompt_tokens");
    Tokens {
        prompt,
        cached: count("/prompt_tokens_details/cached_tokens").min(prompt),
        cache_written: count("/prompt_tokens_details/cache_write_tokens").min(prompt),
        completion: count("/completion_tokens"),
    }
}

/// The way in which an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The model has said all, or the server says nothing of the end.
    Finished,
    /// The answer reached a limit.
    Cut,
    /// The provider does not allow the answer.
    Refused,
    /// The server could not go on.
    BrokenOff,
    /// The server has a word of its own.
    Unknown,
}

impl End {
    /// Returns the meaning of `finish_reason`. OpenAI has `stop`, `length` and `content_filter`. Further words are of
    /// Mistral (`model_length`), Gemini (in capitals), Anthropic (`max_tokens`, `end_turn`, `refusal`), DeepSeek
    /// (`insufficient_system_resource`), Z.ai (`sensitive`, `network_error`), OpenRouter (`error`), vLLM (`abort`).
    fn of(finish: &str) -> Self {
        match finish.to_ascii_lowercase().trim_start_matches("finishreason.") {
            "" | "stop" | "end_turn" | "eos" | "stop_sequence" | "eos_token" => Self::Finished,
            "length" | "model_length" | "max_tokens" | "max_output_tokens" => Self::Cut,
            "content_filter"
            | "content_filtered"
            | "safety"
            | "recitation"
            | "blocklist"
            | "prohibited_content"
            | "spii"
            | "image_safety"
            | "language"
            | "refusal"
            | "sensitive"
            | "guardrail_intervened" => Self::Refused,
            "error" | "insufficient_system_resource" | "network_error" | "abort" | "timeout" => {
                Self::BrokenOff
            }
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
