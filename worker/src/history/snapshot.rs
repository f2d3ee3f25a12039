//! The state of a conversation and its user when a turn begins, and the rows that a turn adds to it.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use shared::job::{EventId, Job, MessageId};

use super::tokens::Tokens;
use crate::rules::{
    conversation::Message,
    forget_marker::ForgetMarker,
    message_kind::MessageKind,
    stage::{SendMethod, Stage},
};

/// The scope of [`super::History::load`].
#[derive(Clone, Copy, Debug)]
pub struct SnapshotScope {
    /// The most past messages; with 0 they are not looked up, all else is.
    pub limit: u32,
    /// The period over which the user's usage is counted.
    pub period: Period,
}

/// The state of a conversation and its user when a turn begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The newest messages, oldest first.
    pub messages: Vec<Message>,
    /// The `createdAt` of each of them.
    pub times: Vec<String>,
    /// The start of the window, if it does not begin with the oldest message.
    pub window: Option<WindowStart>,
    /// The `createdAt` of the newest row, or a little later.
    pub last: Option<Timestamp>,
    /// The newest turn that is part of the conversation, as far as it has a name.
    pub newest: Option<TurnRef>,
    /// The newest question, if its user was told that there will be no answer.
    pub unanswered: Option<Unanswered>,
    /// The persona that was chosen, in the words of whoever stored it.
    pub persona: Option<String>,
    /// The usage of the user in the period.
    pub used: Usage,
    /// The changes meanwhile.
    pub changes: ConversationChanges,
}

/// The changes to a job's message, its turn and its conversation while the job waited or was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationChanges {
    /// The stage of the job's turn. [`super::History::load`] does not look it up and says [`Stage::Open`].
    pub stage: Stage,
    /// Whether the job's message was taken back.
    pub unsent: bool,
    /// The number of questions of other turns that have the turn's answer, too.
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

/// The state that an answer was made with: it is stored only while that has not changed.
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

    /// Whether the conversation was forgotten since the job was said.
    pub fn is_forgotten(&self, job: &Job) -> bool {
        self.forgotten.is_some_and(|marker| marker.covers(job))
    }

    /// See [`Seen`].
    pub fn seen(&self) -> Seen {
        Seen { forgotten: self.forgotten, edit: self.edit.as_ref().map(|edit| edit.at), others: self.others }
    }
}

/// A message of a group was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Its words to the bot by now; empty if it calls the bot no longer. It is kept for a day at most.
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
    /// The question.
    pub question: String,
    /// Its kind.
    pub kind: MessageKind,
    /// In a group: the name of who asked, where it is known.
    pub speaker: Option<String>,
}

/// The start of the window: older messages are kept, and the model is not given them any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowStart {
    /// The `createdAt` of the newest message that is left out.
    pub after: String,
    /// The room that it was left out for, in the words of whoever stored it.
    pub within: String,
}

impl WindowStart {
    /// The start once another turn has stored this. It never goes back for the same room.
    #[must_use]
    pub fn following(self, before: Option<&Self>) -> Self {
        match before {
            Some(before) if before.within == self.within && before.after > self.after => before.clone(),
            _ => self,
        }
    }
}

/// The things that [`super::History::forget`] forgets.
#[derive(Clone, Debug)]
pub enum Forget {
    /// What was said or changed up to then, by [`Job::at`]. Newer talk stays, because forgetting overtakes and may
    /// itself be overtaken.
    Talk(i64),
    /// The same, and the persona that was chosen up to then.
    Everything(i64),
    /// One message, with the answer to it.
    Message(MessageId),
}

/// The period over which usage is counted.
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

/// The usage of a user, over all conversations and workers.
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

/// The usage that a turn adds to its user's, once however often it is tried.
#[derive(Clone, Copy, Debug)]
pub struct UsageDelta {
    /// Over what it is counted.
    pub period: Period,
    /// Answers of the model.
    pub answers: u32,
    /// Tokens of their prompts and of themselves.
    pub tokens: Tokens,
    /// The limit that its pushes tell of. If the user was told of it before, the pushes are left out.
    pub told: Option<Limit>,
}

/// The answer of a turn, as [`super::History::store`] takes it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// Its rows; none for an answer that is not part of the conversation.
    pub exchange: Option<Exchange>,
    /// The new start of the window, if it moves.
    pub window: Option<WindowStart>,
    /// The attempt that made it, by [`super::Turn::begun`]; `None` for a notice that no attempt gives.
    pub by: Option<u32>,
    /// The exact bodies to push, in order.
    pub pushes: Vec<String>,
    /// How the first of them goes. It is remembered before that is tried: a crash leaves unknown what became of it.
    pub method: SendMethod,
    /// The usage that it adds.
    pub spent: Option<UsageDelta>,
    /// The latest change of its message that it knows of, by [`Edit::at`].
    pub edit: Option<i64>,
    /// The number of questions of other turns that it was made for as well, as they had an answer of this turn before.
    pub others: u32,
}

/// The rows of a turn, or of several turns that are answered together.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The questions, oldest first. The last is the job's own, and the answer is its turn's; the turns of
    /// the others are over with it.
    pub questions: Vec<Question>,
    /// The model's answer.
    pub answer: String,
    /// The turn that is asked again: its rows are deleted, and it is forgotten.
    pub replaces: Option<EventId>,
}

/// A question of a person, as it is kept.
#[derive(Clone, Debug)]
pub struct Question {
    /// Its turn.
    pub event: EventId,
    /// The person's words, or a placeholder for them.
    pub text: String,
    /// Its kind.
    pub kind: MessageKind,
    /// In a group: their name, where it is known.
    pub speaker: Option<String>,
    /// The message that it stands in: once it is taken back, this row goes, and the answer.
    pub message_id: Option<MessageId>,
    /// When it was said, by [`Job::at`]: once the conversation is forgotten up to then, this row goes, and the answer.
    pub said_at: Option<i64>,
}
