//! The messages that questions quote, as the history finds them.

use shared::job::{EventId, MessageId};

use crate::rules::conversation::Message;

/// The number of a conversation's newest rows among which a quoted message is found.
pub const QUOTABLE_ROWS: u32 = 200;

/// A quote that is looked up.
#[derive(Clone, Debug)]
pub enum Quote {
    /// The quote of this message.
    Of(MessageId),
    /// The quote in the question of this turn, if the question quotes a message.
    In(EventId),
}

/// A message that a question quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// The id of the message.
    pub message_id: MessageId,
    /// Its words, if the conversation keeps them.
    pub words: Option<QuotedWords>,
}

/// The words of a quoted message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotedWords {
    /// The row that has the words: a person's question, or an answer of the bot.
    pub message: Message,
    /// The place of the quoted message among all messages as which the answer was sent; the first of one for a question.
    pub place: usize,
    /// The number of these messages.
    pub of: usize,
    /// The message whose unsend takes the words back: the question itself, or the question of the answer.
    pub said_in: Option<MessageId>,
}
