//! The prompt: the character, as much of the past as fits, and the question. Pure.
//!
//! Whole turns are kept or left out, and where not all fit, the oldest third goes at once (`memory`).
//! Tokens are counted as OpenAI's cookbook counts them ("How to count tokens with tiktoken"):
//! three a message and one for its role beside the content, three for the answer's beginning.

use uuid::Uuid;

use crate::{
    rules::conversation::{Message, Role, a_third_on, begins_turn},
    rules::models::{self, Encoding},
};

/// Tokens of a message beside its content.
const PER_MESSAGE: usize = 4;
/// Tokens that begin the answer.
const PRIMING: usize = 3;

/// How much room there is.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Prompt and answer together never exceed this many tokens.
    pub context_tokens: usize,
    /// What is kept for the answer.
    pub max_tokens: usize,
    /// How the model cuts text into tokens.
    pub encoding: Encoding,
}

impl Budget {
    /// Whether a short question fits beside this system prompt.
    pub fn has_room_beside(self, system: &str) -> bool {
        Prompt::fit(system, vec![], &["?"], self).is_ok()
    }
}

/// The messages of one request: the system message, past turns, the questions.
#[derive(Clone, Debug)]
pub struct Prompt {
    messages: Vec<Message>,
    /// How many of them are questions.
    questions: usize,
    /// How many messages of the past are left out.
    left_out: usize,
    /// Of which conversation it is, in a name that says nothing of its people.
    pub of: Option<Uuid>,
}

/// The questions alone do not fit into the model's context.
#[derive(Debug, thiserror::Error)]
#[error("the question alone is {tokens} tokens too long for the model's context")]
pub struct TooLong {
    /// By how much.
    pub tokens: usize,
}

impl Prompt {
    /// A prompt that fits: `past` is oldest first, and so are the questions, each a message of
    /// its own.
    pub fn fit(
        system: &str,
        past: Vec<Message>,
        questions: &[&str],
        budget: Budget,
    ) -> Result<Self, TooLong> {
        let message = |role, content: &str| Message { role, content: content.to_owned(), speaker: None };
        let mut messages = vec![message(Role::System, system)];
        let asked: Vec<_> = questions.iter().map(|question| message(Role::User, question)).collect();

        let reserved = budget.max_tokens + PRIMING;
        let fixed = || messages.iter().chain(&asked);
        let bytes: usize = fixed().chain(&past).map(|m| m.content.len() + PER_MESSAGE).sum();
        let mut left_out = 0;
        // No token is shorter than a byte: where all bytes fit, nothing need be counted.
        if reserved + bytes > budget.context_tokens {
            let fixed: usize = fixed().map(|message| cost(message, budget.encoding)).sum();
            let needed = reserved + fixed;
            let over = TooLong { tokens: needed.saturating_sub(budget.context_tokens) };
            let room = budget.context_tokens.checked_sub(needed).ok_or(over)?;
            let costs: Vec<usize> = past.iter().map(|message| cost(message, budget.encoding)).collect();
            while costs[left_out..].iter().sum::<usize>() > room {
                left_out = a_third_on(&past, left_out);
            }
        }
        messages.extend(past.into_iter().skip(left_out));
        messages.extend(asked);
        Ok(Self { messages, questions: questions.len(), left_out, of: None })
    }

    /// The messages in order.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// How many messages of the past are left out, from the oldest on.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Leaves out the older half of the past turns; false if there was none left.
    pub fn drop_oldest(&mut self) -> bool {
        let past = 1..self.messages.len() - self.questions;
        if past.is_empty() {
            return false;
        }
        let starts: Vec<usize> = past.clone().filter(|&i| begins_turn(&self.messages, i)).collect();
        let keep_from = starts.get(starts.len().div_ceil(2)).copied().unwrap_or(past.end);
        self.messages.drain(1..keep_from);
        self.left_out += keep_from - 1;
        true
    }
}

/// What a message costs.
fn cost(message: &Message, encoding: Encoding) -> usize {
    models::count(encoding, &message.content) + PER_MESSAGE
}

#[cfg(test)]
mod tests;
