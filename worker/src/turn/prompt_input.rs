//! The plan for a message: a reply at once, or a question with everything that the model is given with it.

use std::fmt::Write;

use shared::job::{EventId, Job, MessageId};

use crate::{
    adapters::line::QuestionRoom,
    history::{Exchange, Question},
    rules::{
        conversation::{Message, by},
        file::File,
        image::Image,
        message_kind::{Attachment, IMAGE, MessageKind},
        pause::GAP,
        quote::{PICTURE, UNSEEN},
    },
    text::messages::Reply,
};

/// The plan for a message.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
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
    /// The words that the model gets; empty if the question is its images.
    pub(crate) question: String,
    /// The words that the history keeps instead: for an image or a file a mark, for a recording what was heard.
    pub(crate) kept: String,
    /// The name of the person who asks, in a group and if it is known.
    pub(crate) speaker: Option<String>,
    /// The id of the message that holds the question.
    pub(crate) message_id: Option<MessageId>,
    /// The content that the question is about.
    pub(crate) attachment: Option<Attachment>,
    /// The images that the model gets with the question, in their order.
    pub(crate) images: Vec<Image>,
    /// LINE's id of the set that the question's own image was sent in.
    pub(crate) image_set: Option<String>,
    /// The images before it that were asked with it when it got no answer.
    pub(crate) asked_with: Vec<MessageId>,
    /// Whether the question itself is about images. Otherwise they were sent before it.
    pub(crate) has_own_images: bool,
    /// The number of its own images that the model does not get.
    pub(crate) unseen_images: usize,
    /// The room for its content, if it has several images or files. It is given back when all of them are fetched.
    pub(crate) room: Option<QuestionRoom>,
    /// The file that the model gets with the question.
    pub(crate) file: Option<File>,
    /// The part of a transcript that the bot repeats to the person.
    pub(crate) heard: Option<String>,
    /// The message that the question quotes.
    pub(crate) quotes: Option<MessageId>,
    /// The line before the question that says what it quotes.
    pub(crate) quote_line: Option<String>,
    /// The message whose unsend takes the quoted words back.
    pub(crate) quoted_from: Option<MessageId>,
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

    /// Returns the questions, each as a message of its own. Images before the words are no messages of their own: the
    /// model gets them with the words.
    fn questions(&self) -> Vec<String> {
        let in_words = self.before.iter().filter(|said| said.kind != MessageKind::Image);
        let before = in_words.map(|said| by(said.speaker.as_deref(), &said.text));
        let mut own = match (self.question.is_empty(), self.images.len()) {
            (true, 1) => IMAGE.to_owned(),
            (true, images @ 2..) => format!("[{images} images]"),
            _ => self.question.clone(),
        };
        if let Some(line) = &self.quote_line {
            own = format!("{line}\n{own}");
        }
        if self.unseen_images > 0 {
            let _ = write!(own, "\n[images that cannot be seen: {}]", self.unseen_images);
        }
        before.chain([by(self.speaker.as_deref(), &own)]).collect()
    }

    /// Whether the question itself is about images: its own ones, or one that it quotes.
    pub(crate) fn is_about_images(&self) -> bool {
        self.has_own_images || matches!(self.attachment, Some(Attachment::Quoted(_)))
    }

    /// Whether its images were sent before it, and it names none of them.
    pub(crate) fn has_only_earlier_images(&self) -> bool {
        self.attachment.is_none() && !self.has_own_images
    }

    /// Leaves out the images that the question can be asked without: all, or all but the newest if the question has no
    /// words. Returns false if there were none.
    pub(crate) fn leave_out_images(&mut self) -> bool {
        let kept = usize::from(self.question.is_empty());
        let left_out = self.images.len().saturating_sub(kept);
        self.images.drain(..left_out);
        if self.has_own_images {
            self.unseen_images += left_out;
        }
        left_out > 0
    }

    /// Leaves out the quoted image or the quoted words, so that the question is asked without them. Returns false if
    /// there were none.
    pub(crate) fn leave_out_quoted(&mut self) -> bool {
        let has_image =
            self.attachment.take_if(|attachment| matches!(attachment, Attachment::Quoted(_))).is_some();
        if has_image {
            self.images.clear();
        }
        let line = if has_image { PICTURE } else { UNSEEN };
        let has_words = self.quote_line.as_deref().is_some_and(|before| ![PICTURE, UNSEEN].contains(&before));
        if has_image || has_words {
            self.quote_line = Some(line.to_owned());
        }
        has_image || has_words
    }

    /// Returns the rows that this turn adds to the history, with the answer of this model.
    pub(crate) fn exchange(self, job: &Job, answer: String, model: String) -> Exchange {
        let Self { before, kept, message_id, speaker, attachment, image_set, replaces, .. } = self;
        let kind = Attachment::kind(attachment.as_ref());
        let (event, said_at) = (job.event_id.clone(), job.at());
        let own =
            Question { event, text: kept, kind, speaker, message_id, said_at, image_set, asked_with: vec![] };
        Exchange { questions: before.into_iter().chain([own]).collect(), answer, model, replaces }
    }
}
