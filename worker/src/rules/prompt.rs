//! The prompt: the character, as many of the past messages as fit, and the question. Pure.
//!
//! Whole turns are kept or left out. If not all of them fit, the oldest third is left out at once (`window`). Tokens
//! are counted as OpenAI's cookbook counts them ("How to count tokens with tiktoken"): the content of each message,
//! three tokens more and one for its role, and three for the beginning of the answer.

use uuid::Uuid;

use crate::{
    rules::conversation::{Message, Role},
    rules::message_kind::MessageKind,
    rules::models::Encoding,
    rules::tokens,
    rules::window::{a_third_on, begins_turn},
};

/// The instruction to the model in a group.
pub(crate) const GROUP: &str = "This is a group chat of several people. Where it is known who wrote a message, it begins with their name and a colon; never begin your own messages so.";
/// The tokens of a message in addition to its content.
const PER_MESSAGE: usize = 4;
/// The tokens that begin the answer.
const PRIMING: usize = 3;
/// The least room for a conversation beside the system message, in tokens: this, or if it is less, this part of all
/// room for prompts.
const LEAST_ROOM: (usize, usize) = (2_000, 4);

/// The room for prompt and answer, in tokens.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// The most tokens of prompt and answer together.
    pub context_tokens: usize,
    /// The tokens that are kept free for the answer.
    pub max_tokens: usize,
    /// The encoding by which the model cuts text into tokens.
    pub encoding: Encoding,
}

impl Budget {
    /// Whether a short question fits beside this system prompt, with room for a conversation.
    pub fn has_room_beside(self, system: &str) -> bool {
        let (most, part) = LEAST_ROOM;
        let room = most.min(self.context_tokens.saturating_sub(self.max_tokens) / part);
        let context_tokens = self.context_tokens - room;
        Prompt::fit(system, vec![], &["?"], Self { context_tokens, ..self }).is_ok()
    }
}

/// The messages of one request: the system message, past turns and the questions.
#[derive(Clone, Debug)]
pub struct Prompt {
    messages: Vec<Message>,
    /// The number of questions among the messages.
    questions: usize,
    /// The number of past messages that are left out.
    left_out: usize,
    /// The pseudonym of the conversation, which does not show who its people are.
    pub of: Option<Uuid>,
    /// The pseudonym of the person who asks.
    pub by: Option<Uuid>,
}

/// The error if the questions alone do not fit into the model's context.
#[derive(Debug, thiserror::Error)]
#[error("the question alone is {tokens} tokens too long for the model's context")]
pub struct TooLong {
    /// The number of tokens that do not fit.
    pub tokens: usize,
}

impl Prompt {
    /// Makes a prompt that fits. `past` is oldest first. The questions are also oldest first, and each is a message of
    /// its own.
    pub fn fit(
        system: &str,
        past: Vec<Message>,
        questions: &[&str],
        budget: Budget,
    ) -> Result<Self, TooLong> {
        let message = |role, content: &str| Message {
            role,
            content: content.to_owned(),
            kind: MessageKind::Text,
            speaker: None,
        };
        let mut messages = vec![message(Role::System, system)];
        let asked: Vec<_> = questions.iter().map(|question| message(Role::User, question)).collect();

        let mut left_out = 0;
        if !Self::fits_uncounted(system, &past, questions, budget) {
            let fixed = messages.iter().chain(&asked);
            let fixed: usize = fixed.map(|message| cost(message, budget.encoding)).sum();
            let needed = budget.max_tokens + PRIMING + fixed;
            let over = TooLong { tokens: needed.saturating_sub(budget.context_tokens) };
            let room = budget.context_tokens.checked_sub(needed).ok_or(over)?;
            let costs: Vec<usize> = past.iter().map(|message| cost(message, budget.encoding)).collect();
            while costs[left_out..].iter().sum::<usize>() > room {
                left_out = a_third_on(&past, left_out);
            }
        }
        messages.extend(past.into_iter().skip(left_out));
        messages.extend(asked);
        Ok(Self { messages, questions: questions.len(), left_out, of: None, by: None })
    }

    /// Whether everything fits, so that nothing has to be counted: a token has at least one byte.
    pub(crate) fn fits_uncounted(system: &str, past: &[Message], questions: &[&str], budget: Budget) -> bool {
        let past = past.iter().map(|message| message.content.len());
        let lengths = past.chain(questions.iter().map(|question| question.len())).chain([system.len()]);
        let bytes: usize = lengths.map(|length| length + PER_MESSAGE).sum();
        budget.max_tokens + PRIMING + bytes <= budget.context_tokens
    }

    /// Returns the messages in order.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Returns the number of past messages that are left out, beginning with the oldest.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Returns the length of all messages in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.messages.iter().map(|message| message.content.len()).sum()
    }

    /// Leaves out the older half of the past turns. Returns false if there was no past turn left.
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

/// Returns the number of tokens of a message.
fn cost(message: &Message, encoding: Encoding) -> usize {
    tokens::count(encoding, &message.content) + PER_MESSAGE
}

#[cfg(test)]
mod tests;
