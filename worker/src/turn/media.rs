//! The chapter of seeing and hearing: what a message carries beside its words is fetched once there is
//! time for it, then shown to the model, or turned into words. None of it is ever stored but those words.

use std::time::Duration;

use bytes::Bytes;
use shared::{
    job::{Ask, Content, Job, MessageId},
    traces,
};
use tokio::time::{Instant, timeout_at};
use tracing::info;

use crate::{
    adapters::{
        line::Fetched,
        openai::{Heard, ModelError, RECORDING_MAX},
    },
    failure::{Failure, Reason, RetryPolicy},
    history::{Limit, Usage},
    retry_loop::retry,
    rules::attachment::{Attachment, PICTURE},
    rules::image::{self, Picture},
    rules::models::{self, Vision},
    turn::Worker,
    turn::command::{PromptInput, said_back},
    turn::time_budget::Attempt,
};

/// The longest recording that is listened to.
const VOICE_MAX: Duration = Duration::from_mins(10);
/// How much is said back of what was heard, in characters.
const SAID_BACK: usize = 300;
/// How long a text waits for the picture that it quotes: it is a question without it, too.
const GLANCE_MAX: Duration = Duration::from_secs(10);
/// In how many attempts LINE is asked for what it calls a bad request: an outage may pass in them, and then
/// whoever sent it is told.
const REFUSED_ATTEMPTS: u32 = 3;

/// What came of looking and listening.
pub(crate) enum MediaOutcome {
    /// The question can be asked.
    Ready,
    /// It cannot, and this is said instead.
    Reply(String),
    /// It cannot, and there is nothing to say: its message was taken back.
    Silence,
}

impl Worker {
    /// Fetches what a question is about and puts it into the question.
    pub(crate) async fn see_and_hear(
        &self,
        job: &Job,
        asking: &mut PromptInput,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<MediaOutcome, Failure> {
        if matches!(asking.attached, Some(Attachment::Image(_) | Attachment::Voice(_))) {
            // Why it cannot be taken in is said in the user's language.
            self.profile(job).await;
        }
        let words = &self.locale(job).words().senses;
        match asking.attached.clone() {
            None if asking.question.is_empty() => Ok(MediaOutcome::Reply(words.gone.to_owned())),
            None => Ok(MediaOutcome::Ready),
            Some(Attachment::Image(message)) => self.look(job, asking, &message, attempt, deadline).await,
            Some(Attachment::Voice(message)) => self.listen(job, asking, &message, attempt, deadline).await,
            Some(Attachment::Quoted(message)) => {
                asking.picture = self.glance(&message, deadline).await;
                asking.attached.take_if(|_| asking.picture.is_none());
                Ok(MediaOutcome::Ready)
            }
        }
    }

    /// Whether the model may see.
    fn may_see(&self) -> bool {
        models::named(&self.config.model).vision != Vision::No
    }

    async fn look(
        &self,
        job: &Job,
        asking: &mut PromptInput,
        message: &MessageId,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<MediaOutcome, Failure> {
        let words = &self.locale(job).words().senses;
        if !self.may_see() {
            return Ok(MediaOutcome::Reply(words.blind.to_owned()));
        }
        let content = match self.fetch(message, image::BYTES_MAX, deadline).await? {
            Fetched::Here(content) => content,
            other => return self.without(job, other, attempt.number, words.picture_too_large).await,
        };
        let Some(picture) = Picture::of(content) else {
            return Ok(MediaOutcome::Reply(words.picture_unclear.to_owned()));
        };
        PICTURE.clone_into(&mut asking.question);
        PICTURE.clone_into(&mut asking.kept);
        asking.picture = Some(picture);
        Ok(MediaOutcome::Ready)
    }

    /// The picture that a text quotes, if it does quote one and the model sees. Without it, the text is a
    /// question all the same.
    async fn glance(&self, message: &MessageId, deadline: Instant) -> Option<Picture> {
        if !self.may_see() {
            return None;
        }
        match self.fetch(message, image::BYTES_MAX, deadline.min(Instant::now() + GLANCE_MAX)).await {
            Ok(Fetched::Here(content)) => Picture::of(content),
            Ok(_) => None,
            Err(Failure { detail, .. }) => {
                info!(detail, "what is quoted was not looked at");
                None
            }
        }
    }

    async fn listen(
        &self,
        job: &Job,
        asking: &mut PromptInput,
        message: &MessageId,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<MediaOutcome, Failure> {
        let words = &self.locale(job).words().senses;
        let says = |text: &str| Ok(MediaOutcome::Reply(text.to_owned()));
        let Some(model) = &self.config.transcribe_model else { return says(words.deaf) };
        if duration(job).is_some_and(|duration| duration > VOICE_MAX) {
            return says(words.voice_too_long);
        }
        let content = match self.fetch(message, RECORDING_MAX, deadline).await? {
            Fetched::Here(content) => content,
            other => return self.without(job, other, attempt.number, words.voice_too_long).await,
        };
        let heard = self.transcribe(model, &content.bytes, attempt, deadline);
        let heard = match traces::step("transcribe", heard).await? {
            Heard::Words(heard) => self.line.redacted(&heard).into_owned(),
            Heard::Nothing => return says(words.nothing_heard),
            Heard::Deaf => return says(words.deaf),
        };
        let quota = &self.config.quota;
        if let Some(limit @ Limit::Length) = quota.reached(job.user(), &heard, &Usage::default()) {
            return Ok(MediaOutcome::Reply(quota.says(limit, self.locale(job).words())));
        }
        asking.attached = None;
        asking.heard = Some((words.heard)(&said_back(&heard, SAID_BACK)));
        asking.question.clone_from(&heard);
        asking.kept = heard;
        Ok(MediaOutcome::Ready)
    }

    /// Decides what follows without the content, in the attempt of this number.
    async fn without(
        &self,
        job: &Job,
        fetched: Fetched,
        number: u32,
        too_large: &str,
    ) -> Result<MediaOutcome, Failure> {
        info!(event = %job.event_id, ?fetched, "no content");
        if let Fetched::Refused(failure) = fetched {
            if number < REFUSED_ATTEMPTS.min(self.config.max_attempts) {
                return Err(failure);
            }
            return self.gone(job).await;
        }
        if matches!(fetched, Fetched::TooLarge) {
            return Ok(MediaOutcome::Reply(too_large.to_owned()));
        }
        if matches!(fetched, Fetched::Preparing)
            && let Some(pause) = self.pause_for_line(job)
        {
            let detail = "content: LINE still prepares it".to_owned();
            return Err(Failure { reason: Reason::LineRejected, detail, remedy: RetryPolicy::Wait(pause) });
        }
        self.gone(job).await
    }

    /// The notice that LINE gives no content. LINE is the first to know of a message that was taken back, and its sender
    /// wants no word of it.
    async fn gone(&self, job: &Job) -> Result<MediaOutcome, Failure> {
        if self.marks(job).await?.unsent {
            return Ok(MediaOutcome::Silence);
        }
        Ok(MediaOutcome::Reply(self.locale(job).words().senses.gone.to_owned()))
    }

    /// The content of a message, of at most `max` bytes.
    async fn fetch(&self, message: &MessageId, max: usize, deadline: Instant) -> Result<Fetched, Failure> {
        let late = || Failure::passing(Reason::LineRejected, "content: it did not come in time");
        timeout_at(deadline, self.fetch_patiently(message, max)).await.map_err(|_| late())?
    }

    /// [`Self::fetch`] with the short retries of an attempt.
    async fn fetch_patiently(&self, message: &MessageId, max: usize) -> Result<Fetched, Failure> {
        let work = || async {
            match traces::step("content", self.line.content(message, max)).await {
                failed @ (Ok(Fetched::Refused(_)) | Err(_)) => Err(failed),
                fetched => Ok(fetched),
            }
        };
        let pause = |tries, failed: Result<Fetched, Failure>| match &failed {
            Ok(Fetched::Refused(failure)) | Err(failure) => self.pause_within(tries, failure).ok_or(failed),
            Ok(_) => Err(failed),
        };
        retry(work, pause).await.unwrap_or_else(|failed| failed)
    }

    /// The words of a recording, with the short retries of an attempt.
    async fn transcribe(
        &self,
        model: &str,
        recording: &Bytes,
        attempt: &Attempt<'_>,
        deadline: Instant,
    ) -> Result<Heard, Failure> {
        attempt.may_pay()?;
        let work = || async {
            let time_left = deadline.saturating_duration_since(Instant::now());
            attempt.pay();
            let done = self.model.transcribe(model, recording.clone(), time_left).await;
            // A transcript has served its question, and is no try at an answer.
            attempt.settle(done.as_ref().is_err_and(ModelError::is_paid));
            match done {
                Err(
                    ModelError::Unauthorized(failure)
                    | ModelError::Failed(failure)
                    | ModelError::Unusable(failure),
                ) => Err(failure),
                heard => Ok(heard.unwrap_or(Heard::Nothing)),
            }
        };
        retry(work, |tries, failure| self.pause_before_call(tries, &failure, attempt, deadline)).await
    }
}

/// How long a job's own voice is, where LINE says so.
fn duration(job: &Job) -> Option<Duration> {
    match job.ask {
        Ask::Question { content: Some(Content::Voice { duration_ms }), .. } => {
            duration_ms.map(Duration::from_millis)
        }
        _ => None,
    }
}
