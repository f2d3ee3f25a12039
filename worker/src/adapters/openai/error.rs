//! The body of a response that refuses a request. OpenAI's form is only the most common: Mistral and older versions of
//! vLLM write its fields at the top, Gemini sends a list of one error, xAI writes the message in place of the error, and
//! each has its own words for the same problem. A field of another type than expected counts as missing. Pure.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use crate::adapters::http;

/// The names for a request that is too long: of OpenAI and the servers that follow it, of llama.cpp, of Z.ai.
const TOO_LONG: [&str; 3] =
    ["context_length_exceeded", "exceed_context_size_error", "context_window_exceeded"];
/// The words for a request that is too long, if there is no name: of vLLM, llama.cpp, DeepSeek, OpenRouter and Mistral
/// ("context …"), LiteLLM, Anthropic, xAI, Gemini, Bedrock. The last is of OpenAI and Groq, if the request is larger
/// than a minute allows.
const TOO_LONG_WORDS: [&str; 12] = [
    "context_length_exceeded",
    "exceeded model token limit",
    "range of input length",
    "context length",
    "context size",
    "context window",
    "contextwindowexceeded",
    "prompt is too long",
    "maximum prompt length",
    "input token count",
    "input is too long",
    "request too large for",
];
/// The words before the size of the context: of vLLM, llama.cpp, llama-cpp-python, xAI.
const CONTEXT_IS: [&str; 5] = [
    "context length is only ",
    "context length is ",
    "context size (",
    "context window of ",
    "maximum prompt length is ",
];
/// The names for an account without money: of OpenAI (three), LiteLLM, Anthropic, others.
const NO_MONEY: [&str; 8] = [
    "insufficient_user_quota",
    "Arrearage",
    "insufficient_quota",
    "billing_hard_limit_reached",
    "billing_not_active",
    "budget_exceeded",
    "billing_error",
    "insufficient_balance",
];
/// The words for an account without money: of DeepSeek, OpenRouter, Anthropic, LiteLLM (two).
const NO_MONEY_WORDS: [&str; 5] = [
    "insufficient balance",
    "insufficient credits",
    "credit balance is too low",
    "budget has been exceeded",
    "exceededbudget",
];
/// The words for an account without money in a response that may also be about something else.
const MONEY_WORDS: [&str; 6] =
    ["credits", "credit limit", "out of credit", "budget", "balance", "spending limit"];
/// The names for an unknown model: of OpenAI, Azure (two; the second if the model exists for another purpose), Groq,
/// Mistral, LiteLLM.
const NO_MODEL: [&str; 6] = [
    "model_not_found",
    "key_model_access_denied",
    "DeploymentNotFound",
    "OperationNotSupported",
    "model_decommissioned",
    "invalid_model",
];
/// The words for an unknown model: of OpenRouter (two), DeepSeek, LiteLLM (two).
const NO_MODEL_WORDS: [&str; 5] = [
    "is not a valid model id",
    "no endpoints found",
    "model not exist",
    "invalid model name",
    "no healthy deployments for this model",
];
/// The words that say of a model that it is unknown: of vLLM, Ollama, others.
const UNKNOWN: [&str; 3] = ["does not exist", "not found", "unknown model"];
/// The words for a path that is not there: of vLLM and LiteLLM, llama.cpp.
const NO_PATH: [&str; 2] = ["not found", "file not found"];
/// The first words for a path that is not there: of OpenAI, Groq, Kong.
const NO_PATH_BEGINS: [&str; 3] = ["invalid url", "unknown request url", "no route matched"];
/// The names for a server that has too much to do now: of Anthropic, OpenAI, Groq, DeepSeek, Mistral, Azure, Gemini.
const OVERLOADED: [&str; 8] = [
    "overloaded_error",
    "overloaded",
    "rate_limit_exceeded",
    "rate_limit_error",
    "capacity_exceeded",
    "engine_overloaded",
    "server_overloaded",
    "service_unavailable",
];
/// The names and words for a wrong key, if the status does not say so: of OpenAI, Anthropic, LiteLLM without a
/// database, Gemini.
const NO_KEY: [&str; 3] = ["invalid_api_key", "authentication_error", "no_db_connection"];
const NO_KEY_WORDS: [&str; 2] = ["api key not valid", "api_key_invalid"];
/// The names of the token limit. The last is Gemini's.
const LIMIT: [&str; 3] = ["max_tokens", "max_completion_tokens", "max_output_tokens"];
/// The words for a number that is too large.
const SIZE: [&str; 9] =
    ["too large", "at most", "maximum", "less than", "range of", "range is", "exceed", "greater than", "<="];
/// The words before the highest number.
const HIGHEST_IS: [&str; 5] = ["at most ", "less than or equal to ", "not exceed ", "maximum of ", "<= "];
/// The fewest tokens that can be a context.
const CONTEXT_MIN: usize = 512;

/// The body of a refusal. Only its identifiers are shown.
#[derive(Default)]
pub struct ErrorBody {
    code: String,
    /// The error's `type`.
    kind: String,
    param: String,
    /// The message in lower case.
    message: String,
    /// The status that the body names.
    status: Option<StatusCode>,
    /// The time to wait that the body names.
    pub(super) retry_after: Option<Duration>,
    /// The size of the context, if the error has a field for it.
    context: Option<usize>,
    is_moderated: bool,
}

impl ErrorBody {
    /// Reads a body. The result is empty if the body is not an error in any form.
    pub fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).map(|whole| Self::of_value(&whole)).unwrap_or_default()
    }

    /// Reads a body that is JSON.
    pub(super) fn of_value(whole: &Value) -> Self {
        let whole = whole.get(0).unwrap_or(whole);
        let error = whole.get("error").filter(|error| !error.is_null()).unwrap_or(whole);
        let word = |field: &str| {
            // Some servers write their whole error as one word, and some write only the message there.
            let text = error[field].as_str().or_else(|| whole[field].as_str()).or_else(|| error.as_str());
            text.filter(|text| *text != "None").unwrap_or("").to_owned()
        };
        let number = |field: &str| {
            let value = [&error[field], &whole[field]].into_iter().find(|value| !value.is_null())?;
            value.as_u64().or_else(|| value.as_str()?.parse().ok())
        };
        // OpenRouter keeps the error of the provider as text, and LiteLLM may write a `detail`.
        let more = [error.pointer("/metadata/raw"), whole.get("detail")];
        let more = more.into_iter().flatten().filter_map(Value::as_str);
        let message = more.fold(word("message"), |message, more| message + " " + more).to_ascii_lowercase();
        // Servers quote names in different ways.
        let message = message.replace(['\'', '"', '`'], "");
        let status = ["code", "status"].iter().filter_map(|field| number(field)).find_map(status);
        let code = if number("code").is_some() { String::new() } else { word("code") };
        Self {
            is_moderated: error.pointer("/metadata/reasons").is_some()
                || ["content_filter", "content_policy"].iter().any(|word| code.contains(word)),
            context: number("n_ctx").and_then(|tokens| usize::try_from(tokens).ok()),
            retry_after: retry_delay(error),
            param: word("param"),
            kind: word("type"),
            code,
            message,
            status,
        }
    }

    /// Whether the server does not know the model, whatever the status.
    pub fn says_model_not_found(&self) -> bool {
        self.is_called(&NO_MODEL)
            || self.says(&NO_MODEL_WORDS)
            || self.says(&["model"]) && self.says(&UNKNOWN)
    }

    /// Whether the server's name for the error is that of an unknown model.
    pub(super) fn names_unknown_model(&self) -> bool {
        self.is_called(&NO_MODEL)
    }

    /// Whether the server does not know the path of the request.
    pub(super) fn says_path_not_found(&self) -> bool {
        NO_PATH.contains(&self.message.trim()) || NO_PATH_BEGINS.iter().any(|it| self.message.starts_with(it))
    }

    /// Returns the status that counts: the body's own, or else that of the response.
    pub(super) fn status(&self, of_response: StatusCode) -> StatusCode {
        self.status.unwrap_or(of_response)
    }

    /// Returns the server's name for the error: its code, or else its type.
    pub(super) fn named(&self) -> &str {
        let code = http::identifier(&self.code);
        if code == "?" { http::identifier(&self.kind) } else { code }
    }

    /// Whether the request is refused for this parameter.
    pub(super) fn is_about(&self, param: &str) -> bool {
        self.param == param
    }

    /// Whether the request is refused because a number is too large.
    pub(super) fn is_about_size(&self) -> bool {
        self.says(&SIZE)
    }

    /// Whether the request is refused because its token limit is too high.
    pub(super) fn is_about_limit(&self) -> bool {
        self.is_about_size() && (self.says(&LIMIT) || LIMIT.contains(&self.param.as_str()))
    }

    /// Whether the message has one of these words, which are in lower case.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        words.iter().any(|words| self.message.contains(words))
    }

    /// Returns the whole numbers in the message. A number within a name is none.
    fn numbers(&self) -> impl Iterator<Item = usize> + '_ {
        let words = self.message.split(|c: char| !(c.is_ascii_alphanumeric() || "-_,.".contains(c)));
        words.filter_map(|word| word.trim_end_matches(['.', ',']).replace(',', "").parse().ok())
    }

    /// Whether the request is longer than the model's context.
    pub(super) fn is_too_long(&self) -> bool {
        self.is_called(&TOO_LONG) || self.says(&TOO_LONG_WORDS)
    }

    /// Returns the size of the model's context in tokens, if the error names it.
    pub(super) fn context(&self) -> Option<usize> {
        self.context.or_else(|| self.number_after(&CONTEXT_IS)).filter(|tokens| *tokens >= CONTEXT_MIN)
    }

    /// Returns the highest number below `limit` that the error allows.
    pub(super) fn highest(&self, limit: usize) -> Option<usize> {
        let named = self.number_after(&HIGHEST_IS).filter(|number| (1..limit).contains(number));
        named.or_else(|| self.numbers().filter(|number| (1..limit).contains(number)).max())
    }

    /// Returns the number after one of these words.
    fn number_after(&self, words: &[&str]) -> Option<usize> {
        let (_, rest) = words.iter().find_map(|words| self.message.split_once(words))?;
        let digits = rest.split(|c: char| !(c.is_ascii_digit() || c == ',')).next()?;
        digits.replace(',', "").parse().ok()
    }

    /// Whether the account has no money left. If the server names a time to wait, its mention of billing is advice:
    /// Gemini's limit of requests a minute tells people to check their billing details.
    pub(super) fn is_unpaid(&self, status: StatusCode, names_a_time: bool) -> bool {
        let may_be = matches!(status.as_u16(), 403 | 429) && !self.is_overloaded();
        let is_advice = names_a_time || self.says(&["try again in"]);
        let says_it = self.says(&MONEY_WORDS) && !self.says(&["load balanc", "load-balanc"]);
        status == StatusCode::PAYMENT_REQUIRED
            || self.is_called(&NO_MONEY)
            || self.says(&NO_MONEY_WORDS)
            || may_be && (says_it || !is_advice && self.says(&["billing"]))
    }

    /// Whether the server has too much to do now.
    pub(super) fn is_overloaded(&self) -> bool {
        self.is_called(&OVERLOADED)
    }

    /// Whether the server does not accept the key, although the status does not say so.
    pub(super) fn refuses_key(&self) -> bool {
        self.is_called(&NO_KEY) || self.says(&NO_KEY_WORDS)
    }

    /// Whether the question breaks the provider's rules. OpenRouter reports this with the status that it uses for a bad
    /// key.
    pub(super) fn is_moderated(&self) -> bool {
        self.is_moderated
    }

    /// Whether a request with an image or a PDF is refused for it. Servers report this in many different words, mostly
    /// about the form of the message, and llama.cpp as an error of its own. Without the image or the PDF, the same request
    /// would be a good one.
    pub(super) fn refuses_picture(&self, status: StatusCode) -> bool {
        match status.as_u16() {
            400 | 413 | 415 | 422 => {
                !(self.is_too_long()
                    || self.is_unpaid(status, false)
                    || self.is_moderated()
                    || self.says_model_not_found()
                    || self.is_about("model")
                    || self.says(&["max_tokens", "max_completion_tokens"])
                    || ["quota", "model"].iter().any(|word| self.code.contains(word)))
            }
            // 404 is of OpenRouter, if no provider of the model can see images. The last words are llama.cpp's for a PDF.
            404 | 500 => self.says(&["image input", "image_url", "file input", "content[].type"]),
            _ => false,
        }
    }

    fn is_called(&self, names: &[&str]) -> bool {
        names.contains(&self.code.as_str()) || names.contains(&self.kind.as_str())
    }
}

/// Returns the status that a number in an error stands for.
fn status(number: u64) -> Option<StatusCode> {
    let number = u16::try_from(number).ok().filter(|number| (400..600).contains(number))?;
    StatusCode::from_u16(number).ok()
}

/// Returns the time to wait that an error names in Google's form (google.rpc.RetryInfo): `"33s"`.
fn retry_delay(error: &Value) -> Option<Duration> {
    let details = error.get("details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    Duration::try_from_secs_f64(delay.strip_suffix('s')?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests;
