//! The knowledge of a model and its server that only their answers give. It is kept for the process.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use shared::event::log;

use super::{form::Form, response::Completion};
use crate::{history::Tokens, rules::prompt::Budget};

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
    /// the second answer is longer, or finished, the context was full. If it has the same length, the server cuts there.
    pub(crate) fn compare(&self, first: &Completion, second: &Completion, prompt_bytes: usize) {
        let Tokens { prompt, completion, .. } = first.tokens;
        if second.is_below_limit && second.tokens.completion <= completion + SLACK {
            self.own_limit.fetch_min(usize::try_from(completion).unwrap_or(usize::MAX), Relaxed);
        } else if prompt.saturating_mul(BYTES_PER_TOKEN_MAX) >= prompt_bytes as u64 {
            self.learn_context(usize::try_from(prompt + completion).unwrap_or(usize::MAX));
        }
    }

    /// Remembers that the model's context has no more than these tokens.
    pub(crate) fn learn_context(&self, tokens: usize) {
        if self.context.fetch_min(tokens, Relaxed) > tokens {
            log!(info, ContextLearned, tokens, "the model's context is smaller than was known");
        }
    }

    pub(super) fn form(&self) -> Form {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn_form(&self, form: Form) {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner) = form;
    }
}
