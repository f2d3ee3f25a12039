//! The plan for a message: a reply at once, or a question with everything that the model is given with it.

use shared::job::{EventId, Job, MessageId};

use crate::{
    history::{Exchange, Question},
    rules::{
        conversation::{Message, by},
        image::Image,
        message_kind::Attachment,
    },
    text::messages::Reply,
};

/// The plan for a message.
pub(crate) enum Plan<'a> {
    /// This is said, and nothing is asked.
    Say(Reply<'a>),
    /// The model is asked.
    AskModel(PromptInput),
}

/// A question as the model is asked it.
#[derive(Default)]
pub(crate) struct PromptInput {
    /// The messages before it.
    pub(crate) past: Vec<Message>,
    /// The questions that came just before it and are answered with it.
    pub(crate) before: Vec<Question>,
    /// The question.
    pub(crate) question: String,
    /// The words that the history keeps of it.
    pub(crate) kept: String,
    /// In a group: who asks, where it is known.
    pub(crate) speaker: Option<String>,
    /// The message that it stands in.
    pub(crate) message_id: Option<MessageId>,
    /// The image or recording that it is about.
    pub(crate) attachment: Option<Attachment>,
    /// The image that is shown with it.
    pub(crate) image: Option<Image>,
    /// The part of a transcript that is said back.
    pub(crate) heard: Option<String>,
    /// The turn whose place the answer takes.
    pub(crate) replaces: Option<EventId>,
}

impl PromptInput {
    /// The questions, each a message of its own.
    pub(crate) fn questions(&self) -> Vec<String> {
        let before = self.before.iter().map(|said| by(said.speaker.as_deref(), &said.text));
        before.chain([by(self.speaker.as_deref(), &self.question)]).collect()
    }

    /// The rows that the history keeps with the answer, in this turn.
    pub(crate) fn exchange(self, job: &Job, answer: String) -> Exchange {
        let Self { before, kept, message_id, speaker, attachment, replaces, .. } = self;
        let kind = Attachment::kind(attachment.as_ref());
        let (event, said_at) = (job.event_id.clone(), job.at());
        let own = Question { event, text: kept, kind, speaker, message_id, said_at };
        Exchange { questions: before.into_iter().chain([own]).collect(), answer, replaces }
    }
}
