//! The state of a conversation and its user when a turn begins, and the rows that a turn adds to it.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use shared::{
    job::{EventId, Job, MessageId},
    prices::Tokens,
};

use crate::rules::{
    conversation::{Message, Role},
    file::SentFile,
    forget_marker::ForgetMarker,
    message_kind::MessageKind,
    pause::Pause,
    sent_image::{LastImages, SentImage},
    stage::{SendMethod, Stage},
};

/// The scope of [`super::History::load`].
#[derive(Clone, Copy, Debug)]
pub struct SnapshotScope {
    /// The most past messages. With 0 no messages are loaded, but everything else is.
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
    /// The start of the window, if the window does not begin with the oldest message.
    pub window: Option<WindowStart>,
    /// The `createdAt` of the newest row, or a little later.
    pub last: Option<Timestamp>,
    /// The newest turn that is part of the conversation, if it has an id.
    pub newest: Option<TurnRef>,
    /// The newest question, if its user was notified that there will be no answer.
    pub unanswered: Option<Unanswered>,
    /// The newest file among the loaded messages.
    pub file: Option<SentFile>,
    /// The images of the newest exchanges among them.
    pub images: LastImages,
    /// Whether the newest answer waits, because LINE takes no more messages this month. This is told until the
    /// conversation continues or is forgotten.
    pub answer_waits: bool,
    /// The chosen persona, in the form in which the caller stored it.
    pub persona: Option<String>,
    /// The user's usage in the period.
    pub used: Usage,
    /// The changes since the job was queued.
    pub changes: ConversationChanges,
}

/// The changes to a job's message, its turn and its conversation while the job waited or was answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConversationChanges {
    /// The stage of the job's turn. [`super::History::load`] does not load it and returns [`Stage::Open`].
    pub stage: Stage,
    /// Whether the job's message was unsent.
    pub unsent: bool,
    /// The number of questions of other turns that have this turn's answer, too.
    pub others: u32,
    /// The forget marker of the conversation.
    pub forgotten: Option<ForgetMarker>,
    /// In a private chat: its newest pause, which runs or has ended.
    pub pause: Option<Pause>,
    /// In a group: the newest edit of the job's message.
    pub edit: Option<Edit>,
    /// In a group: the turn that answered the job's message.
    pub answered_by: Option<EventId>,
    /// In a group: whether the message that the job's message quotes is the bot's own.
    pub quotes_own: bool,
}

/// The state with which an answer was made. The answer is stored only while the state has not changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// The forget marker of the conversation.
    pub forgotten: Option<ForgetMarker>,
    /// The edit of the job's message, by [`Edit::at`].
    pub edit: Option<i64>,
    /// The number of other questions: see [`ConversationChanges::others`].
    pub others: u32,
}

impl ConversationChanges {
    /// Whether the message was unsent, and nobody else waits for its answer.
    pub fn is_unsent_for_all(&self) -> bool {
        self.unsent && self.others == 0
    }

    /// Whether the conversation was forgotten after the job was said.
    pub fn is_forgotten(&self, job: &Job) -> bool {
        self.forgotten.is_some_and(|marker| marker.covers(job))
    }

    /// Returns the state with which an answer is made: see [`Seen`].
    pub fn seen(&self) -> Seen {
        Seen { forgotten: self.forgotten, edit: self.edit.as_ref().map(|edit| edit.at), others: self.others }
    }
}

/// An edit of a message in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The current words to the bot; empty if the message does not call the bot any more. They are kept for at most a
    /// day.
    pub text: String,
    /// The time of the edit, by LINE's clock in milliseconds. Edits may arrive out of order, and the latest one counts.
    pub at: i64,
}

/// A turn that is part of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnRef {
    /// The event of the turn.
    pub event: EventId,
    /// The message that it answers, if LINE named it.
    pub message_id: Option<MessageId>,
}

/// A question without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unanswered {
    /// The turn of the question.
    pub turn: TurnRef,
    /// The words of the question.
    pub question: String,
    /// The kind of its message.
    pub kind: MessageKind,
    /// In a group: the name of the person who asked, if it is known.
    pub speaker: Option<String>,
    /// The time when it was said, by [`Job::at`].
    pub said_at: Option<i64>,
    /// The set of images that it was sent in: see [`Question::image_set`].
    pub image_set: Option<String>,
    /// The images before it that were asked with it.
    pub asked_with: Vec<MessageId>,
}

impl Unanswered {
    /// Returns the image that it is, if it is one.
    pub(crate) fn image(&self) -> Option<SentImage> {
        let Self { turn, question, kind, said_at, image_set, .. } = self;
        SentImage::of(*kind, question, image_set.as_deref(), || turn.message_id.clone(), *said_at)
    }
}

/// The start of the window. Older messages are kept, but the model does not get them any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowStart {
    /// The `createdAt` of the newest message that is left out.
    pub after: String,
    /// The room for which it was left out, in the form in which the caller stored it.
    pub within: String,
}

impl WindowStart {
    /// Returns the start after another turn has stored this one. It never moves back for the same room.
    #[must_use]
    pub fn following(self, before: Option<&Self>) -> Self {
        match before {
            Some(before) if before.within == self.within && before.after > self.after => before.clone(),
            _ => self,
        }
    }
}

/// The data that [`super::History::forget`] forgets.
#[derive(Clone, Debug)]
pub enum Forget {
    /// The messages that were said or edited up to this time, by [`Job::at`]. Newer messages stay, because forgetting
    /// overtakes other jobs and may itself be overtaken.
    Messages(i64),
    /// The same messages, and the persona that was chosen up to this time.
    Everything(i64),
    /// One message, with its answer.
    Message(MessageId),
}

/// The period over which usage is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day of the user.
    Day(Date),
    /// All time, as far as it is remembered: 60 days.
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
    /// The number of answers of the model.
    pub answers: u32,
    /// The number of tokens of these answers and of their prompts.
    pub tokens: u64,
    /// The limits of which the user was notified.
    pub told: Vec<Limit>,
}

/// A limit of which its user is notified once a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The bot does not talk with this user.
    #[serde(rename = "allowed")]
    NotAllowed,
    /// The limit of answers a day.
    Answers,
    /// The limit of tokens a day.
    Tokens,
    /// The limit of a question's length.
    Length,
    /// The user may not change the group's persona.
    Persona,
}

impl Limit {
    /// Returns the word in rows and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotAllowed => "allowed",
            Self::Answers => "answers",
            Self::Tokens => "tokens",
            Self::Length => "length",
            Self::Persona => "persona",
        }
    }

    /// Returns the limit of a word.
    pub fn of_word(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }
}

/// The usage that a turn adds to its user's usage. It is added once, even if the turn is tried several times.
#[derive(Clone, Debug)]
pub struct UsageDelta {
    /// The period over which the usage is counted.
    pub period: Period,
    /// The number of answers of the model.
    pub answers: u32,
    /// The number of tokens of these answers and of their prompts.
    pub tokens: Tokens,
    /// The name of the fallback model, if it gave these answers. They are counted in the sum and beside it.
    pub fallback: Option<String>,
    /// The limit of which the pushes notify the user. If the user was notified of it before, the pushes are left out.
    pub told: Option<Limit>,
}

/// The answer of a turn, as [`super::History::store`] takes it.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The rows of the answer; `None` for an answer that is not part of the conversation.
    pub exchange: Option<Exchange>,
    /// The new start of the window, if it moves.
    pub window: Option<WindowStart>,
    /// The attempt that made it, by [`super::Turn::begun`]; `None` for a notice that no attempt sends.
    pub by: Option<u32>,
    /// The exact bodies to push, in order.
    pub pushes: Vec<String>,
    /// The send method of the first push. It is recorded before the push is tried, because a crash leaves its outcome
    /// unknown.
    pub method: SendMethod,
    /// The usage that the answer adds.
    pub spent: Option<UsageDelta>,
    /// The latest edit of the job's message that the answer is made for, by [`Edit::at`].
    pub edit: Option<i64>,
    /// The number of questions of other turns that the answer was made for, too, because an earlier answer of this turn
    /// answered them.
    pub others: u32,
    /// The other turns that end with this answer.
    pub merged: Vec<EventId>,
    /// The message that the job's own question quotes. It is kept beside the question, without its words.
    pub quotes: Option<MessageId>,
    /// The message whose words the answer was made with, because a question quotes it or the bot's answer to it.
    pub quoted_from: Option<MessageId>,
}

/// The rows of a turn, or of several turns that are answered together.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The questions, oldest first. The last question is the job's own, and the answer belongs to its turn.
    pub questions: Vec<Question>,
    /// The model's answer.
    pub answer: String,
    /// The name of the model that answered, as the operator set it.
    pub model: String,
    /// The turn that is asked again. Its rows are deleted, and it is forgotten.
    pub replaces: Option<EventId>,
}

/// A person's question, as it is kept.
#[derive(Clone, Debug)]
pub struct Question {
    /// The turn of the question.
    pub event: EventId,
    /// The person's words, or a placeholder for them.
    pub text: String,
    /// The kind of its message.
    pub kind: MessageKind,
    /// In a group: the person's name, if it is known.
    pub speaker: Option<String>,
    /// The message that has the question. If it is unsent, this row and the answer are deleted.
    pub message_id: Option<MessageId>,
    /// The time when it was said, by [`Job::at`]. If the conversation is forgotten up to then, this row and the answer
    /// are deleted.
    pub said_at: Option<i64>,
    /// LINE's id of the set of images that it was sent in. Images that come late are shown with their set.
    pub image_set: Option<String>,
    /// Only of an unanswered question: the images before it that were asked with it.
    pub asked_with: Vec<MessageId>,
}

impl Question {
    /// Returns the image that it is, if it is one.
    pub(crate) fn image(&self) -> Option<SentImage> {
        let Self { text, kind, message_id, said_at, image_set, .. } = self;
        SentImage::of(*kind, text, image_set.as_deref(), || message_id.clone(), *said_at)
    }
}

/// Returns the id of a message row: a UUIDv5 of event and role.
pub fn row_id(event: &EventId, role: Role) -> uuid::Uuid {
    event.derive(role.as_str())
}
