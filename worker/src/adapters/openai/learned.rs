//! Facts about a model and its server that only its answers show. They are kept for the process.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use shared::event::log;

use super::{form::Form, response::Completion};
use crate::rules::prompt::Budget;

/// The difference, in tokens, between answers that end at the same limit.
const SLACK: u64 = 2;
/// The most bytes of text for each token that a server counts. A server that counts fewer tokens does not count right.
const BYTES_PER_TOKEN_MAX: u64 = 8;

/// The knowledge of one model.
pub(crate) struct Learned {
    /// The form of requests that the server accepted last.
    form: Mutex<Form>,
    /// The size of the context in tokens, once an answer has shown it.
    context: AtomicUsize,
    /// The length of an answer, in tokens, at which the server itself cuts answers, once it has shown it.
    own_limit: AtomicUsize,
    /// Whether a text of the model began within a thought.
    pub(super) opens_thoughts: AtomicBool,
}

impl Learned {
    /// Returns the knowledge before any answer.
    pub(super) fn new(completion_limit: bool) -> Self {
        Self {
            form: Form::new(completion_limit).into(),
            context: usize::MAX.into(),
            own_limit: usize::MAX.into(),
            opens_thoughts: AtomicBool::new(false),
        }
    }

    /// Returns the room for a prompt and an answer of at most `max_tokens`. The context that the server gives, if it
    /// does, replaces that of `known`. An answer gets at most half of a context that is not the operator's.
    pub(super) fn room(&self, known: Budget, given: Option<u32>, max_tokens: usize) -> Budget {
        let (set, learned) =
            (given.map_or(known.context_tokens, |tokens| tokens as usize), self.context.load(Relaxed));
        let context_tokens = set.min(learned);
        let most = if given.is_some() || learned < set { context_tokens / 2 } else { max_tokens };
        Budget { context_tokens, max_tokens: self.form().limit(max_tokens.min(most)), ..known }
    }

    /// Whether the server itself cuts answers of this length, in tokens.
    pub(crate) fn cuts_at(&self, tokens: u64) -> bool {
        tokens + SLACK >= self.own_limit.load(Relaxed) as u64
    }

    /// Learns why an answer ended below its limit, from the answer to the same question with fewer turns before it. If
    /// the second answer is longer or finished, within the same room, the context was full. If it ends at the same
    /// length, the server cuts there. `prompt_bytes` is the length of the first prompt.
    pub(crate) fn compare(&self, model: &str, first: &Completion, second: &Completion, prompt_bytes: usize) {
        let (length, later) = (first.tokens.completion, second.tokens.completion);
        let counts_right = first.tokens.prompt.saturating_mul(BYTES_PER_TOKEN_MAX) >= prompt_bytes as u64;
        if second.is_below_limit && later <= length + SLACK {
            self.own_limit.fetch_min(usize::try_from(length).unwrap_or(usize::MAX), Relaxed);
        } else if second.filled <= first.filled + SLACK && counts_right {
            self.learn_context(model, usize::try_from(first.filled).unwrap_or(usize::MAX));
        }
    }

    /// Remembers that the model's context has no more than these tokens.
    pub(crate) fn learn_context(&self, model: &str, tokens: usize) {
        if self.context.fetch_min(tokens, Relaxed) > tokens {
            log!(info, ContextLearned, tokens, model, "the model's context is smaller than was known");
        }
    }

    pub(super) fn form(&self) -> Form {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn_form(&self, form: Form) {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner) = form;
    }
}
