//! The answer in a response of success. Pure.

use serde_json::Value;
use shared::visible::shows_nothing;

use super::{
    body::{self, Answer, Unread},
    error::ErrorBody,
    refusal::{Asked, BASE_URL, Refusal, refusal},
    response::{Completion, ModelError, Sent},
};
use crate::{
    adapters::http,
    failure::{Failure, Reason},
    history::Tokens,
    text::{
        clean::clean,
        thoughts::{Said, without_thoughts},
    },
};

/// Returns the answer in a response of success.
pub(super) fn completion(sent: &Sent, asked: Asked<'_>) -> Result<Completion, Refusal> {
    let retryable = |detail: String| unusable(Failure::retryable(Reason::ModelUnavailable, detail));
    let refused = |detail: String| unusable(Failure::permanent(Reason::ModelRefused, detail));
    let request = sent.shown(&sent.request_id);
    let status = format!("status {}", sent.status.as_u16());
    let answer = body::read(&sent.body);
    let Answer { text, is_refused, finish, breaks_off, usage, has_choice } = match (answer, &sent.broken) {
        (Ok(answer), _) => answer,
        (Err(Unread::Error(error)), _) => {
            return Err(match refusal(sent, &ErrorBody::of_value(&error), Some(asked)) {
                Refusal::Error(ModelError::Failed(failure)) => unusable(failure),
                other => other,
            });
        }
        (Err(Unread::Html), _) => {
            // A page of a moment, such as one about maintenance, has this status, too.
            return Err(retryable(format!(
                "{status}, request {request}; the address answers HTML; {BASE_URL}"
            )));
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
    // Some servers count thoughts in the total only.
    let filled = usage["total_tokens"].as_u64().unwrap_or(0).min(u32::MAX.into()).max(tokens.total());
    let (end, finish_word) = (End::of(&finish), sent.shown(http::identifier(&finish)));
    if end == End::BrokenOff {
        return Err(retryable(format!("{status}, but the answer broke off: {finish_word}")));
    }
    let Said { text: said, began_within_thought } = without_thoughts(&text);
    // Such a server leaves out the opening mark, so a cut answer without any mark is a thought only.
    let is_thought = (end == End::Cut || breaks_off) && asked.opens_thoughts && !began_within_thought;
    let text = clean(if is_thought { "" } else { &said });
    let text = text.trim();
    if !shows_nothing(text) {
        return Ok(Completion {
            model: asked.model.to_owned(),
            text: text.to_owned(),
            cut: breaks_off || end == End::Cut,
            is_below_limit: end == End::Cut
                && (1..asked.max_tokens as u64).contains(&(filled - tokens.prompt)),
            filled,
            opens_thoughts: began_within_thought,
            tokens,
            request: request.to_owned(),
        });
    }
    Err(match end {
        _ if is_refused => refused("the model refused".to_owned()),
        End::Refused => refused(format!("the content filter left nothing: {finish_word}")),
        End::Cut => Refusal::Error(ModelError::NothingWithinLimit),
        _ if breaks_off => retryable(format!("{status}, but the answer broke off before its first word")),
        End::Finished => retryable(format!("{status}, but the answer is empty")),
        _ => retryable(format!("{status}, but the answer is empty: {finish_word}")),
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
        match finish.to_ascii_lowercase().replace('-', "_").trim_start_matches("finishreason.") {
            "" | "stop" | "end_turn" | "eos" | "stop_sequence" | "eos_token" => Self::Finished,
            "length"
            | "model_length"
            | "max_tokens"
            | "max_output_tokens"
            | "model_context_window_exceeded" => Self::Cut,
            "content_filter"
            | "content_filtered"
            | "safety"
            | "recitation"
            | "blocklist"
            | "prohibited_content"
            | "image_prohibited_content"
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
