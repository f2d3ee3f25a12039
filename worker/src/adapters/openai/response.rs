//! The types of a response of a chat-completions server. Pure.

use std::{borrow::Cow, time::Duration};

use reqwest::StatusCode;
use secrecy::SecretString;

use crate::{failure::Failure, history::Tokens, text::redact};

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
    /// The tokens of the prompt and of all that the model wrote, its thoughts too.
    pub(super) filled: u64,
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
    /// The image or the PDF beside the question is refused: it cannot be read, or the model does not take any.
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
