//! What is known of a conversation and its user when a turn begins, and what a turn adds to it.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use shared::job::{EventId, MessageId};

use super::tokens::Tokens;
use crate::rules::{
    conversation::Message,
    message_kind::MessageKind,
    stage::{SendMethod, Stage},
};

/// What [`super::History::load`] is to find out.
#[derive(Clone, Copy, Debug)]
pub struct SnapshotScope {
    /// How many past messages at most; with 0 the messages are not looked up, all else is.
    pub limit: u32,
    /// What the user's usage is counted over.
    pub period: Period,
}

/// What is known when a turn begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The newest messages, oldest first.
    pub messages: Vec<Message>,
    /// The `createdAt` of each of them.
    pub times: Vec<String>,
    /// Where the window begins, if it does not begin with the oldest.
    pub window: Option<WindowStart>,
    /// The `createdAt` of the newest row, or a little later.
    pub last: Option<Timestamp>,
    /// The newest turn that is part of the conversation, as far as it has a name.
    pub newest: Option<TurnRef>,
    /// The newest question, if its user was told that there will be no answer.
    pub unanswered: Option<Unanswered>,
    /// The persona that was chosen, in the words of whoever stored it.
    pub persona: Option<String>,
    /// What the user has used up of the period.
    pub used: Usage,
    /// What happened meanwhile.
    pub changes: ConversationChanges,
}

/// What happened to a job's message, its turn and its conversation while the job waited or was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationChanges {
    /// How far the job's turn got. [`super::History::load`] does not look it up and says [`Stage::Open`].
    pub stage: Stage,
    /// Whether the job's message was taken back.
    pub unsent: bool,
    /// How many questions of other turns have the turn's answer, too.
    pub others: u32,
    /// Up to where the conversation is forgotten.
    pub forgotten: Option<ForgetMarker>,
    /// In a group: what the job's message says since it was changed.
    pub edit: Option<Edit>,
    /// In a group: the turn by which the job's message was answered.
    pub answered_by: Option<EventId>,
    /// In a group: whether the message that the job's quotes is the bot's own.
    pub quotes_own: bool,
}

/// What an answer was made with: it is stored only where that has not changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Up to where the conversation was forgotten.
    pub forgotten: Option<ForgetMarker>,
    /// The change of its message, by [`Edit::at`].
    pub edit: Option<i64>,
    /// See [`ConversationChanges::others`].
    pub others: u32,
}

impl ConversationChanges {
    /// Whether the message was taken back, and nobody else waits for its answer.
    pub fn is_unsent_for_all(&self) -> bool {
        self.unsent && self.others == 0
    }

    /// See [`Seen`].
    pub fn seen(&self) -> Seen {
        Seen { forgotten: self.forgotten, edit: self.edit.as_ref().map(|edit| edit.at), others: self.others }
    }
}

/// A message of a group was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What it says now to the bot; empty if it calls the bot no longer. It is kept for a day at most.
    pub text: String,
    /// When, by LINE's clock in milliseconds: changes may come out of order, and the latest is the one.
    pub at: i64,
}

/// A turn that is part of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRef {
    /// Its event.
    pub event: EventId,
    /// The message that it answers, if LINE named it.
    pub message_id: Option<MessageId>,
}

/// A question that found no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// Its turn.
    pub turn: TurnRef,
    /// What was asked.
    pub question: String,
    /// Its kind.
    pub kind: MessageKind,
    /// In a group: the name of who asked, where it is known.
    pub speaker: Option<String>,
}

/// Up to where a conversation is forgotten. It is never before any row that was there, and each is after
/// the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgetMarker {
    /// Rows with this `createdAt` or an earlier one are forgotten. Rows of the article's bot can be ahead
    /// of the clock by hours, and this with them.
    pub through: Timestamp,
    /// When it was set.
    pub at: Timestamp,
}

/// Where the window begins: what is older is kept, and not asked of the model any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowStart {
    /// The `createdAt` of the newest message that is left out.
    pub after: String,
    /// The room that it was left out for, in the words of whoever stored it.
    pub within: String,
}

impl WindowStart {
    /// Where it begins once another turn has stored this. It never goes back for the same room.
    #[must_use]
    pub fn following(self, before: Option<&Self>) -> Self {
        match before {
            Some(before) if before.within == self.within && before.after > self.after => before.clone(),
            _ => self,
        }
    }
}

/// What is to be forgotten, by [`super::History::forget`].
#[derive(Clone, Debug)]
pub enum Forget {
    /// What was said, and what messages say since they were changed up to then, by [`Edit::at`]: a change
    /// overtakes, and may be of a message that stands in line behind who asks to forget.
    Talk(i64),
    /// The same, and what was chosen.
    Everything(i64),
    /// One message, with the answer to it.
    Message(MessageId),
}

/// What usage is counted over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day of the user.
    Day(Date),
    /// All time, or as long as it is remembered: 60 days.
    Ever,
}

impl std::fmt::Display for Period {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(date) => write!(f, "{date}"),
            Self::Ever => f.write_str("ever"),
        }
    }
}

/// What a user has used up, over all conversations and workers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Answers of the model.
    pub answers: u32,
    /// Tokens of their prompts and of themselves.
    pub tokens: u64,
    /// The limits that the user was told of.
    pub told: Vec<Limit>,
}

/// A limit of which its user is told once a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The bot does not talk with this user.
    #[serde(rename = "allowed")]
    NotAllowed,
    /// Answers of the day.
    Answers,
    /// Tokens of the day.
    Tokens,
    /// The length of a question.
    Length,
    /// A group's persona is not this user's to change.
    Persona,
}

impl Limit {
    /// The word in rows and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "allowed",
            Self::Answers => "answers",
            Self::Tokens => "tokens",
            Self::Length => "length",
            Self::Persona => "persona",
        }
    }

    /// The limit of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }
}

/// What a turn adds to its user's usage, once however often it is tried.
#[derive(Clone, Copy, Debug)]
pub struct UsageDelta {
    /// Over what it is counted.
    pub period: Period,
    /// Answers of the model.
    pub answers: u32,
    /// Tokens of their prompts and of themselves.
    pub tokens: Tokens,
    /// The limit that its pushes tell of. Where the user was told of it before, the pushes are left out.
    pub told: Option<Limit>,
}

/// What a turn ends with, as [`super::History::store`] takes it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Its rows; none for an answer that is not part of the conversation.
    pub exchange: Option<Exchange>,
    /// Where the window begins from now on, if its rows make that another place.
    pub window: Option<WindowStart>,
    /// The exact bodies to push, in order.
    pub pushes: Vec<String>,
    /// How the first of them goes. It is remembered before that is tried: a crash leaves unknown what became of it.
    pub method: SendMethod,
    /// What its user used up by it.
    pub spent: Option<UsageDelta>,
    /// The latest change of its message that it knows of, by [`Edit::at`].
    pub edit: Option<i64>,
    /// How many questions of other turns, that had an answer of this turn before, it was made for as well.
    pub others: u32,
}

/// The rows of a turn, or of several turns that are answered together.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What was said, oldest first. The last is the job's own, and the answer is its turn's; the turns of
    /// the others are over with it.
    pub questions: Vec<Question>,
    /// What the model answered.
    pub answer: String,
    /// The turn that is asked again: its rows are deleted, and it is forgotten.
    pub replaces: Option<EventId>,
}

/// What a person said, as it is kept.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its turn.
    pub event: EventId,
    /// What the person wrote, or a placeholder for it.
    pub text: String,
    /// Its kind.
    pub kind: MessageKind,
    /// In a group: their name, where it is known.
    pub speaker: Option<String>,
    /// The message that it stands in: once it is taken back, this row goes, and the answer.
    pub message_id: Option<MessageId>,
}
