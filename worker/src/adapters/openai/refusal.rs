//! The meaning of a response that refuses a request (OpenAI, "Error codes"). Pure.

use super::{
    body,
    error::ErrorBody,
    form::Form,
    response::{ModelError, Sent},
};
use crate::failure::{Failure, Reason, RetryPolicy};

/// The advice to operators where the address does not answer as a model's server does.
pub(super) const BASE_URL: &str = "the base URL may be wrong: OPENAI_BASE_URL";

/// The properties of a question that matter to its refusal.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) model: &'a str,
    pub(super) form: Form,
    /// The token limit that the request names.
    pub(super) max_tokens: usize,
    /// Whether it has an image or a PDF.
    pub(super) has_picture: bool,
    /// Whether an earlier text of the model began within a thought.
    pub(super) opens_thoughts: bool,
}

/// The reason why a request was refused.
pub(super) enum Refusal {
    /// The server may accept the same request in this form.
    Form(Form),
    Error(ModelError),
}

impl Refusal {
    /// Returns the error of a request that has no other form.
    pub(super) fn last(self) -> ModelError {
        match self {
            Self::Error(error) => error,
            Self::Form(_) => ModelError::Failed(Failure::permanent(
                Reason::ModelRefused,
                "the server refused every form of the request",
            )),
        }
    }
}

/// Returns the meaning of an error. `asked` describes the request, if it was a question.
pub(super) fn refusal(sent: &Sent, error: &ErrorBody, asked: Option<Asked<'_>>) -> Refusal {
    let status = error.status(sent.status);
    let [name, request] = [error.named(), sent.request_id.as_str()].map(|word| sent.shown(word));
    let name = if name == "?" && status != sent.status { status.as_str() } else { name };
    let detail = format!("status {} {name}, request {request}", sent.status.as_u16());
    let wait = sent.retry_after.or(error.retry_after);
    let failed = |failure| Refusal::Error(ModelError::Failed(failure));
    let permanent = |reason| failed(Failure::permanent(reason, detail.as_str()));
    let retryable = || match sent.should_retry {
        Some(false) => failed(Failure::permanent(
            Reason::ModelUnavailable,
            format!("{detail}; the server says that a retry is of no use"),
        )),
        _ => failed(Failure {
            retry: RetryPolicy::Retry(wait),
            ..Failure::retryable(Reason::ModelUnavailable, detail.as_str())
        }),
    };
    let unauthorized =
        || Refusal::Error(ModelError::Unauthorized(Failure::permanent(Reason::ModelAuth, detail.as_str())));
    let wrong_url = |what: &str| {
        failed(Failure::permanent(Reason::ModelUnavailable, format!("{detail}; {what}; {BASE_URL}")))
    };
    let is_html = body::is_html(&sent.body);
    let code = status.as_u16();
    let other_form =
        asked.filter(|_| code != 429).and_then(|asked| asked.form.after(error, asked.max_tokens));
    match code {
        401 => unauthorized(),
        500.. if error.is_too_long() && error.context().is_none() => Refusal::Error(ModelError::ContextFull(
            Failure::retryable(Reason::ModelUnavailable, format!("{detail}; the context is full")),
        )),
        _ if error.is_too_long() => Refusal::Error(ModelError::ContextLength(error.context())),
        _ if error.is_unpaid(status, wait.is_some()) => permanent(Reason::ModelQuota),
        _ if error.is_moderated() => permanent(Reason::ModelRefused),
        _ if let Some(form) = other_form => Refusal::Form(form),
        _ if asked.is_some_and(|asked| asked.has_picture) && error.refuses_picture(status) => {
            Refusal::Error(ModelError::ImageRefused)
        }
        ..404 if error.refuses_key() => unauthorized(),
        _ if error.names_unknown_model() => permanent(Reason::ModelGone),
        ..500 if error.says_model_not_found() => permanent(Reason::ModelGone),
        _ if error.is_overloaded() => retryable(),
        300..400 => wrong_url("the address leads elsewhere"),
        405 => wrong_url("the address takes no questions"),
        400 | 404 if is_html => wrong_url("the address answers HTML"),
        404 if error.says_path_not_found() || sent.is_text() => wrong_url("the address has no such path"),
        404 => permanent(Reason::ModelGone),
        // A firewall refuses with a page, and it says nothing about the key.
        403 if is_html => retryable(),
        ..300 | 408 | 409 | 424 | 425 | 429 | 498 | 500.. => retryable(),
        _ if sent.should_retry == Some(true) => retryable(),
        403 => permanent(Reason::ModelAuth),
        _ if error.is_about_limit() => failed(Failure::permanent(
            Reason::ModelRefused,
            format!("{detail}; MAX_TOKENS is too large for the model"),
        )),
        _ => permanent(Reason::ModelRefused),
    }
}
