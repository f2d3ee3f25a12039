//! What a server says of a request that it refuses. OpenAI's form is only the commonest: Mistral and older
//! versions of vLLM write its fields at the top, Gemini a list of one error, and each has words of its own
//! for the same trouble. Whatever has another type than it should is as good as missing. Pure.

use reqwest::StatusCode;
use serde_json::Value;

use crate::adapters::http;

/// What such a request is called where it has a name: by OpenAI and those who follow it, by llama.cpp.
const TOO_LONG: [&str; 2] = ["context_length_exceeded", "exceed_context_size_error"];
/// Else in words: of vLLM, llama.cpp, DeepSeek, OpenRouter and Mistral ("context …"), Anthropic, xAI, Gemini;
/// the last of OpenAI and Groq, where it is more than is allowed in a minute.
const TOO_LONG_WORDS: [&str; 7] = [
    "context length",
    "context size",
    "context window",
    "prompt is too long",
    "maximum prompt length",
    "input token count",
    "request too large for",
];
const NO_MONEY: [&str; 3] = ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"];
/// Of DeepSeek, OpenRouter, Anthropic.
const NO_MONEY_WORDS: [&str; 3] =
    ["insufficient balance", "insufficient credits", "credit balance is too low"];
/// Of OpenAI, Azure (the last where the model is there, for something else), Groq, Mistral.
const NO_MODEL: [&str; 5] = [
    "model_not_found",
    "DeploymentNotFound",
    "OperationNotSupported",
    "model_decommissioned",
    "invalid_model",
];
/// Of OpenRouter, DeepSeek.
const NO_MODEL_WORDS: [&str; 2] = ["is not a valid model id", "model not exist"];

/// The body of a refusal. Nothing of it is shown but identifiers.
pub struct ErrorBody(Value);

impl ErrorBody {
    /// What a body says; nothing where it is no error in any form.
    pub fn of(body: &[u8]) -> Self {
        let mut whole: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(first) = whole.get_mut(0) {
            whole = first.take();
        }
        let error = whole.get_mut("error").map(Value::take);
        Self(error.unwrap_or(whole))
    }

    /// Whether the server does not know the model, whatever the status.
    pub fn says_model_not_found(&self) -> bool {
        self.is_called(&NO_MODEL) || self.says(&NO_MODEL_WORDS)
    }

    /// What the server calls it, by its code or else its type.
    pub(super) fn named(&self) -> &str {
        let code = self.word("code");
        http::identifier(if code.is_empty() { self.word("type") } else { code })
    }

    /// Whether the request is refused for what it names here.
    pub(super) fn is_about(&self, param: &str) -> bool {
        self.word("param") == param
    }

    /// Whether its message has one of these words, which are in lower case.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        let message = self.word("message").to_ascii_lowercase();
        words.iter().any(|words| message.contains(words))
    }

    /// Whether the request is longer than the model's context.
    pub(super) fn is_too_long(&self) -> bool {
        self.is_called(&TOO_LONG) || self.says(&TOO_LONG_WORDS)
    }

    /// Whether nothing is left to pay with.
    pub(super) fn is_unpaid(&self, status: StatusCode) -> bool {
        status == StatusCode::PAYMENT_REQUIRED || self.is_called(&NO_MONEY) || self.says(&NO_MONEY_WORDS)
    }

    /// Whether what was asked is against the rules: OpenRouter says why by its status for a bad key.
    pub(super) fn is_moderated(&self) -> bool {
        let code = self.word("code");
        self.0.pointer("/metadata/reasons").is_some()
            || ["content_filter", "content_policy"].iter().any(|word| code.contains(word))
    }

    /// Whether a request with a picture is refused for the picture. Servers say it in many words, mostly
    /// about the form of the message, and llama.cpp as a fault of its own; without the picture, the same
    /// request would be a good one.
    pub(super) fn refuses_picture(&self, status: StatusCode) -> bool {
        let code = self.word("code");
        match status.as_u16() {
            400 | 413 | 415 | 422 => {
                !(self.is_too_long()
                    || self.is_unpaid(status)
                    || self.is_moderated()
                    || self.says_model_not_found()
                    || self.is_about("model")
                    || self.says(&["max_tokens", "max_completion_tokens"])
                    || ["quota", "model"].iter().any(|word| code.contains(word)))
            }
            // 404: OpenRouter, where no provider of the model sees.
            404 | 500 => self.says(&["image input", "image_url"]),
            _ => false,
        }
    }

    fn is_called(&self, names: &[&str]) -> bool {
        names.contains(&self.word("code")) || names.contains(&self.word("type"))
    }

    /// A field that is a word; some servers write a number as the code, and some no more than a word.
    fn word(&self, field: &str) -> &str {
        self.0.as_str().or_else(|| self.0[field].as_str()).unwrap_or("")
    }
}

#[cfg(test)]
mod tests;
