//! The chapter of forgetting: what people take back and leave behind, and what must not come after it.

use shared::job::{Ask, Job};
use tracing::info;

use crate::{
    failure::{Failure, Reason},
    history::{ConversationChanges, Edit, Forget, Stage, Step, Turn},
    outcome::Outcome,
    turn::{AttemptError, Worker, in_doubt},
};

/// Whether a turn shall not go on: its message was taken back, or its conversation was forgotten after it
/// began. Only what was redriven can be older than that: the queue keeps the jobs of a conversation in order.
pub(crate) fn is_forgotten(job: &Job, turn: &Turn, past: &ConversationChanges) -> bool {
    let is_older = job.run.is_some() && past.forgotten.is_some_and(|mark| turn.begun_at <= mark.at);
    past.is_taken_back() || is_older
}

impl Worker {
    /// Forgets what the job asks to forget. Nobody is told: who took a message back knows it, and who left
    /// hears nothing any more.
    pub(crate) async fn forget(&self, job: &Job, ask: &Ask) -> Result<Outcome, AttemptError> {
        let what = match ask {
            Ask::Unfollow => Forget::Everything(job.at().unwrap_or(i64::MAX)),
            Ask::Unsend { message_id } => Forget::Message(message_id.clone()),
            Ask::Edited { message_id, text, quotes } => {
                let is_said = quotes.is_none() || self.marks(job).await?.quotes_own;
                let text = if is_said { text.clone() } else { String::new() };
                let edit = Edit { text, at: job.at().unwrap_or(0) };
                let keep = || self.history.edit(&job.conversation, message_id, edit.clone(), self.now());
                self.persist(keep).await?;
                self.persist(|| self.history.record(job, Step::Delivered, self.now())).await?;
                return Ok(Outcome::Noticed);
            }
            _ => return Ok(Outcome::Noticed),
        };
        self.persist(|| self.history.forget(&job.conversation, what.clone(), self.now())).await?;
        self.persist(|| self.history.record(job, Step::Delivered, self.now())).await?;
        info!(event = %job.event_id, conversation = %job.conversation, "forgot what it was asked to");
        Ok(Outcome::Answered)
    }

    /// An error where nothing more of a stored answer shall be said: what it answers, or a part of that, was
    /// taken back since this attempt looked.
    pub(crate) async fn stands(&self, job: &Job) -> Result<(), Failure> {
        let Ok(past) = self.marks(job).await else { return Ok(()) };
        match past.stage {
            Stage::InDoubt => Err(in_doubt()),
            Stage::Open => Err(Failure::passing(
                Reason::LineRejected,
                "LINE did not take it, and a part of what it answers was taken back: the rest is answered anew",
            )),
            Stage::Stored(_) | Stage::Delivered if !past.is_taken_back() => Ok(()),
            // Given up, it ends in silence.
            _ => Err(Failure::lasting(Reason::Internal, "its message was taken back")),
        }
    }

    /// Whether the message is known to be taken back.
    pub(crate) async fn is_taken_back(&self, job: &Job) -> bool {
        self.marks(job).await.is_ok_and(|past| past.is_taken_back())
    }

    /// What is known beside the messages: above all, what was taken back or forgotten.
    pub(crate) async fn marks(&self, job: &Job) -> Result<ConversationChanges, Failure> {
        self.persist(|| self.history.conversation_changes(job, self.now())).await
    }
}
