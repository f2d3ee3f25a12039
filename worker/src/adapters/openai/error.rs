//! The body of a response that refuses a request. OpenAI's form is only the most common: Mistral and older versions of
//! vLLM write its fields at the top, Gemini sends a list of one error, and each has its own words for the same problem.
//! A field of another type than expected counts as missing. Pure.

use reqwest::StatusCode;
use serde_json::Value;

use crate::adapters::http;

/// The names for a request that is too long: of OpenAI and the servers that follow it, and of llama.cpp.
const TOO_LONG: [&str; 2] = ["context_length_exceeded", "exceed_context_size_error"];
/// The words for a request that is too long, if there is no name: of vLLM, llama.cpp, DeepSeek, OpenRouter and Mistral
/// ("context …"), Anthropic, xAI, Gemini. The last is of OpenAI and Groq, if the request is larger than a minute
/// allows.
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
/// The words for an account without money: of DeepSeek, OpenRouter, Anthropic.
const NO_MONEY_WORDS: [&str; 3] =
    ["insufficient balance", "insufficient credits", "credit balance is too low"];
/// The names for an unknown model: of OpenAI, Azure (two; the second if the model exists for another purpose), Groq,
/// Mistral.
const NO_MODEL: [&str; 5] = [
    "model_not_found",
    "DeploymentNotFound",
    "OperationNotSupported",
    "model_decommissioned",
    "invalid_model",
];
/// The words for an unknown model: of OpenRouter, DeepSeek.
const NO_MODEL_WORDS: [&str; 2] = ["is not a valid model id", "model not exist"];

/// The body of a refusal. Only its identifiers are shown.
pub struct ErrorBody(Value);

impl ErrorBody {
    /// Reads a body. The result is empty if the body is not an error in any form.
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

    /// Returns the server's name for the error: its code, or else its type.
    pub(super) fn named(&self) -> &str {
        let code = self.word("code");
        http::identifier(if code.is_empty() { self.word("type") } else { code })
    }

    /// Whether the request is refused for this parameter.
    pub(super) fn is_about(&self, param: &str) -> bool {
        self.word("param") == param
    }

    /// Whether the message has one of these words, which are in lower case.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        let message = self.word("message").to_ascii_lowercase();
        words.iter().any(|words| message.contains(words))
    }

    /// Whether the request is longer than the model's context.
    pub(super) fn is_too_long(&self) -> bool {
        self.is_called(&TOO_LONG) || self.says(&TOO_LONG_WORDS)
    }

    /// Whether the account has no money left.
    pub(super) fn is_unpaid(&self, status: StatusCode) -> bool {
        status == StatusCode::PAYMENT_REQUIRED || self.is_called(&NO_MONEY) || self.says(&NO_MONEY_WORDS)
    }

    /// Whether the question breaks the provider's rules. OpenRouter reports this with the status that it uses for a bad
    /// key.
    pub(super) fn is_moderated(&self) -> bool {
        let code = self.word("code");
        self.0.pointer("/metadata/reasons").is_some()
            || ["content_filter", "content_policy"].iter().any(|word| code.contains(word))
    }

    /// Whether a request with an image is refused for the image. Servers report this in many different words, mostly
    /// about the form of the message, and llama.cpp as an error of its own. Without the image, the same request would
    /// be a good one.
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
            // 404 is of OpenRouter, if no provider of the model can see images.
            404 | 500 => self.says(&["image input", "image_url"]),
            _ => false,
        }
    }

    fn is_called(&self, names: &[&str]) -> bool {
        names.contains(&self.word("code")) || names.contains(&self.word("type"))
    }

    /// Returns a field that is a word. Some servers write a number as the code, and some send only a word as the error.
    fn word(&self, field: &str) -> &str {
        self.0.as_str().or_else(|| self.0[field].as_str()).unwrap_or("")
    }
}

#[cfg(test)]
mod tests;
