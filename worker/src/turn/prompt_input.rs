//! What a message comes to: something to say at once, or a question with all that the model is asked with it.

use shared::job::{EventId, MessageId};

use crate::{
    history::{Exchange, Question},
    rules::{
        attachment::Attachment,
        conversation::{Message, by},
        image::Image,
    },
    text::messages::Reply,
};

/// What a message comes to.
pub(crate) enum Plan<'a> {
    /// This is said, and nothing is asked.
    Say(Reply<'a>),
    /// The model is asked.
    AskModel(PromptInput),
}

/// A question as the model is asked it.
#[derive(Default)]
pub(crate) struct PromptInput {
    /// What was said before.
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
    /// What is said back of a recording.
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
    pub(crate) fn exchange(self, event: &EventId, answer: String) -> Exchange {
        let Self { before, kept, message_id, speaker, replaces, .. } = self;
        let own = Question { event: event.clone(), text: kept, message_id, speaker };
        Exchange { questions: before.into_iter().chain([own]).collect(), answer, replaces }
    }
}
