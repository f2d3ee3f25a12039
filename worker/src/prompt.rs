//! The prompt: the character, as much of the past as fits, and the question. Pure.
//!
//! Whole turns are kept or left out, newest first, and nothing older than the first that does not
//! fit. Tokens are counted as OpenAI's cookbook counts them ("How to count tokens with tiktoken"):
//! three a message and one for its role beside the content, three for the answer's beginning.

use uuid::Uuid;

use crate::{
    conversation::{Message, Role},
    model::{self, Encoding},
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

/// The messages of one request: the system message, past turns, the questions.
#[derive(Clone, Debug)]
pub struct Prompt {
    messages: Vec<Message>,
    /// How many of them are questions.
    questions: usize,
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
    /// The longest prompt that fits: `past` is oldest first, and so are the questions, each a message of
    /// its own.
    pub fn fit(
        system: &str,
        past: Vec<Message>,
        questions: &[&str],
        budget: Budget,
    ) -> Result<Self, TooLong> {
        let message = |role, content: &str| Message { role, content: content.to_owned() };
        let mut messages = vec![message(Role::System, system)];
        let asked: Vec<_> = questions.iter().map(|question| message(Role::User, question)).collect();

        let reserved = budget.max_tokens + PRIMING;
        let fixed = || messages.iter().chain(&asked);
        let bytes: usize = fixed().chain(&past).map(|m| m.content.len() + PER_MESSAGE).sum();
        let kept = if reserved + bytes <= budget.context_tokens {
            // No token is shorter than a byte: everything fits, and nothing need be counted.
            past
        } else {
            let fixed: usize = fixed().map(|message| cost(message, budget.encoding)).sum();
            let needed = reserved + fixed;
            let over = TooLong { tokens: needed.saturating_sub(budget.context_tokens) };
            newest_turns(past, budget.context_tokens.checked_sub(needed).ok_or(over)?, budget.encoding)
        };
        messages.extend(kept);
        messages.extend(asked);
        Ok(Self { messages, questions: questions.len(), of: None })
    }

    /// The messages in order.
    pub fn messages(&self) -> &[Message] {
        &self.messages
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
        true
    }
}

/// What a message costs.
fn cost(message: &Message, encoding: Encoding) -> usize {
    model::count(encoding, &message.content) + PER_MESSAGE
}

/// Whether a turn begins with this message: with what the person said after an answer. What was said in one
/// go, and answered together, is one turn.
fn begins_turn(messages: &[Message], index: usize) -> bool {
    let is_user = |message: &Message| message.role == Role::User;
    is_user(&messages[index]) && !index.checked_sub(1).is_some_and(|before| is_user(&messages[before]))
}

/// The newest whole turns that fit together.
fn newest_turns(mut past: Vec<Message>, mut room: usize, encoding: Encoding) -> Vec<Message> {
    let mut kept_from = past.len();
    for (index, message) in past.iter().enumerate().rev() {
        match room.checked_sub(cost(message, encoding)) {
            Some(left) => room = left,
            None => break,
        }
        if index == 0 || begins_turn(&past, index) {
            kept_from = index;
        }
    }
    past.split_off(kept_from)
}

#[cfg(test)]
mod tests;
