//! The plan for a message: a reply at once, or a question with everything that the model is given with it.

use shared::job::{EventId, Job, MessageId};

use crate::{
    history::{Exchange, Question},
    rules::{
        conversation::{Message, by},
        image::Image,
        message_kind::Attachment,
        pause::GAP,
    },
    text::messages::Reply,
};

/// The plan for a message.
pub(crate) enum Plan<'a> {
    /// The reply is sent, and the model is not asked.
    Say(Reply<'a>),
    /// The model is asked.
    AskModel(PromptInput),
}

/// A question with everything that the model is asked with it.
#[derive(Default)]
pub(crate) struct PromptInput {
    /// The messages before the question.
    pub(crate) past: Vec<Message>,
    /// The questions just before it that are answered with it.
    pub(crate) before: Vec<Question>,
    /// The words that the model gets.
    pub(crate) question: String,
    /// The words that the history keeps instead: for an image a mark, for a recording what was heard.
    pub(crate) kept: String,
    /// The name of the person who asks, in a group and if it is known.
    pub(crate) speaker: Option<String>,
    /// The id of the message that holds the question.
    pub(crate) message_id: Option<MessageId>,
    /// The image or recording that the question is about.
    pub(crate) attachment: Option<Attachment>,
    /// The image that the model gets with the question.
    pub(crate) image: Option<Image>,
    /// The part of a transcript that the bot repeats to the person.
    pub(crate) heard: Option<String>,
    /// The number of past messages before a talk with the staff, if there was one.
    pub(crate) staff_gap: Option<usize>,
    /// The turn whose answer is replaced by this one.
    pub(crate) replaces: Option<EventId>,
}

impl PromptInput {
    /// Returns the past messages and the questions, each as the model gets it.
    pub(crate) fn past_and_questions(&self) -> (Vec<Message>, Vec<String>) {
        let mut past: Vec<_> = self.past.iter().cloned().map(Message::named).collect();
        let mut questions = self.questions();
        if let Some(place) = self.staff_gap {
            let after = past.get_mut(place).map(|message| &mut message.content);
            if let Some(words) = after.or(questions.first_mut()) {
                words.insert_str(0, GAP);
            }
        }
        (past, questions)
    }

    /// Returns the questions, each as a message of its own.
    fn questions(&self) -> Vec<String> {
        let before = self.before.iter().map(|said| by(said.speaker.as_deref(), &said.text));
        before.chain([by(self.speaker.as_deref(), &self.question)]).collect()
    }

    /// Returns the rows that this turn adds to the history, with the answer of this model.
    pub(crate) fn exchange(self, job: &Job, answer: String, model: String) -> Exchange {
        let Self { before, kept, message_id, speaker, attachment, replaces, .. } = self;
        let kind = Attachment::kind(attachment.as_ref());
        let (event, said_at) = (job.event_id.clone(), job.at());
        let own = Question { event, text: kept, kind, speaker, message_id, said_at };
        Exchange { questions: before.into_iter().chain([own]).collect(), answer, model, replaces }
    }
}
