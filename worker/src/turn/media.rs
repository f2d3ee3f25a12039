//! Images, videos and recordings: each is fetched from LINE during an attempt, then given to the model or turned into
//! words. Only these words are ever stored.

use std::time::Duration;

use bytes::Bytes;
use shared::{
    event::log,
    job::{Content, Job, JobKind, MessageId},
    traces,
};
use tokio::time::{Instant, timeout_at};

use super::{prompt_input::PromptInput, time_budget::Attempt, user};
use crate::{
    adapters::{
        line::{Fetched, LineClient, QuestionRoom},
        openai::{Heard, ModelError, RECORDING_MAX},
    },
    clients::Clients,
    config::Config,
    failure::{Failure, Reason, RetryPolicy},
    history::{Limit, Usage},
    locale::MediaNotices,
    retry_loop::retry,
    retry_pauses,
    rules::{
        content,
        image::{self, Image},
        message_kind::{Attachment, VIDEO},
    },
    text::{excerpt::excerpt, messages::Reply},
};

/// The words that the model gets with the preview image of a video.
const PREVIEW: &str = "[video: you see only its preview image]";
/// The longest recording that is transcribed.
const VOICE_MAX: Duration = Duration::from_mins(10);
/// The longest part of a transcript that the bot repeats to the person, in characters.
const ECHO_MAX_CHARS: usize = 300;
/// The longest time that a question waits for earlier content in all. It is asked without it, too.
pub(super) const EARLIER_WAIT_MAX: Duration = Duration::from_secs(10);
/// The number of attempts that ask LINE for content although LINE calls the request a bad one: an outage may pass in
/// them. After them, the sender is notified.
const REFUSED_ATTEMPTS: u32 = 3;

/// The outcome of fetching an attachment.
pub(crate) enum MediaOutcome {
    /// The question can be asked.
    Ready,
    /// The question cannot be asked, and this reply is sent instead.
    Reply(String),
    /// The same, because none of its images can be seen.
    AboutImages(String),
    /// The question cannot be asked, and this reply says what can be sent instead.
    Instead(Reply<'static>),
    /// The question cannot be asked, and nothing is sent, because its message was unsent.
    Silence,
}

/// Fetches the attachment of a question and puts it into the question.
pub(crate) async fn fetch_attachment(
    clients: &Clients,
    job: &Job,
    input: &mut PromptInput,
    attempt: &Attempt<'_>,
    deadline: Instant,
) -> Result<MediaOutcome, Failure> {
    let Clients { config, line, .. } = clients;
    if input.attachment.as_ref().is_some_and(|it| !matches!(it, Attachment::Quoted(_))) {
        // The notice that says why it cannot be read is in the user's language.
        user::profile(line, job).await;
    }
    match input.attachment.clone() {
        None if input.question.is_empty() => {
            Ok(MediaOutcome::Reply(words(config, line, job).content_unavailable.to_owned()))
        }
        // `images.rs` and `file.rs` fetch these.
        None | Some(Attachment::Image(_) | Attachment::File(..)) => Ok(MediaOutcome::Ready),
        Some(Attachment::Video(message)) => video(clients, job, input, &message, attempt, deadline).await,
        Some(Attachment::Voice(message)) => recording(clients, job, input, &message, attempt, deadline).await,
        Some(Attachment::Quoted(message)) => {
            let fetch = fetch_earlier(config, line, &message, image::BYTES_MAX, None, deadline);
            let content = if config.model.may_see() { fetch.await } else { None };
            input.images = Vec::from_iter(content.and_then(Image::of));
            if input.images.is_empty() {
                input.attachment = None;
            } else {
                input.quote_line = None;
            }
            Ok(MediaOutcome::Ready)
        }
    }
}

/// Returns the notices in the person's language.
pub(super) fn words(config: &Config, line: &LineClient, job: &Job) -> &'static MediaNotices {
    &user::locale(line, job, config.locale).words().media_notices
}

/// Fetches the preview image of a video. The video itself is never fetched.
async fn video(
    clients: &Clients,
    job: &Job,
    input: &mut PromptInput,
    message: &MessageId,
    attempt: &Attempt<'_>,
    deadline: Instant,
) -> Result<MediaOutcome, Failure> {
    let Clients { config, line, .. } = clients;
    if !config.model.may_see() {
        return Ok(MediaOutcome::Reply(words(config, line, job).no_vision.to_owned()));
    }
    let unclear = user::locale(line, job, config.locale).words().file_notices.video_unclear;
    let fetched = fetch_with(config, deadline, || line.preview(message, image::BYTES_MAX)).await?;
    let image = match fetched {
        Fetched::Available(content) => Image::of(content),
        Fetched::TooLarge => None,
        // LINE may have no preview of a video that is there.
        other => match without_content(clients, job, other, attempt.number, unclear).await? {
            MediaOutcome::Reply(_) => None,
            outcome => return Ok(outcome),
        },
    };
    let Some(image) = image else { return Ok(MediaOutcome::Reply(unclear.to_owned())) };
    PREVIEW.clone_into(&mut input.question);
    VIDEO.clone_into(&mut input.kept);
    input.images = vec![image];
    Ok(MediaOutcome::Ready)
}

/// Fetches the content of an earlier message, without which the question is asked, too. So it waits only shortly, and a
/// failure is no failure of the attempt.
pub(crate) async fn fetch_earlier(
    config: &Config,
    line: &LineClient,
    message: &MessageId,
    max: usize,
    room: Option<&QuestionRoom>,
    deadline: Instant,
) -> Option<content::Content> {
    let deadline = deadline.min(Instant::now() + EARLIER_WAIT_MAX);
    match fetch(config, line, message, max, room, deadline).await {
        Ok(Fetched::Available(content)) => Some(content),
        Ok(_) => None,
        Err(Failure { detail, .. }) => {
            log!(
                info,
                QuotedNotFetched,
                detail,
                "the picture or file of an earlier message could not be fetched"
            );
            None
        }
    }
}

async fn recording(
    clients: &Clients,
    job: &Job,
    input: &mut PromptInput,
    message: &MessageId,
    attempt: &Attempt<'_>,
    deadline: Instant,
) -> Result<MediaOutcome, Failure> {
    let Clients { config, line, .. } = clients;
    let words = words(config, line, job);
    let reply = |text: &str| Ok(MediaOutcome::Reply(text.to_owned()));
    let Some(model) = &config.transcribe_model else { return reply(words.no_transcription) };
    if duration(job).is_some_and(|duration| duration > VOICE_MAX) {
        return reply(words.audio_too_long);
    }
    let content = match fetch(config, line, message, RECORDING_MAX, None, deadline).await? {
        Fetched::Available(content) => content,
        other => return without_content(clients, job, other, attempt.number, words.audio_too_long).await,
    };
    let heard = transcribe(clients, model, &content.bytes, attempt, deadline);
    let heard = match traces::step("transcribe", heard).await? {
        Heard::Words(heard) => line.redacted(&heard).into_owned(),
        Heard::Nothing => return reply(words.no_words_heard),
        Heard::Unsupported => return reply(words.no_transcription),
    };
    let quota = &config.quota;
    if let Some(limit @ Limit::Length) = quota.reached(job.user(), &heard, &Usage::default()) {
        let locale = user::locale(line, job, config.locale);
        return Ok(MediaOutcome::Reply(quota.says(limit, locale.words())));
    }
    input.attachment = None;
    input.heard = Some((words.heard)(&excerpt(&heard, ECHO_MAX_CHARS)));
    input.question.clone_from(&heard);
    input.kept = heard;
    Ok(MediaOutcome::Ready)
}

/// Decides what follows without the content, in the attempt of this number.
pub(super) async fn without_content(
    clients: &Clients,
    job: &Job,
    fetched: Fetched,
    number: u32,
    too_large: &str,
) -> Result<MediaOutcome, Failure> {
    let Clients { config, storage, line, .. } = clients;
    log!(info, ContentNotFetched, event = %job.event_id, ?fetched, "the content of a message could not be used");
    match fetched {
        Fetched::Refused(failure) if number < REFUSED_ATTEMPTS.min(config.max_attempts) => {
            return Err(failure);
        }
        Fetched::TooLarge => return Ok(MediaOutcome::Reply(too_large.to_owned())),
        Fetched::Preparing => {
            let pause = retry_pauses::for_content(&config.pauses, job, storage.now());
            if let Some(pause) = pause {
                let detail = "content: LINE still prepares it".to_owned();
                let retry = RetryPolicy::Wait(pause);
                return Err(Failure { reason: Reason::LineRejected, detail, retry });
            }
        }
        Fetched::Refused(_) | Fetched::Gone | Fetched::Available(_) => {}
    }
    // LINE is the first to know of an unsent message, and the sender of one gets no notice about it.
    if storage.conversation_changes(job).await?.unsent {
        return Ok(MediaOutcome::Silence);
    }
    Ok(MediaOutcome::Reply(words(config, line, job).content_unavailable.to_owned()))
}

/// Fetches the content of a message, of at most `max` bytes, with the short retries of an attempt. It takes its room from
/// that of its question, if the question has several media.
pub(super) async fn fetch(
    config: &Config,
    line: &LineClient,
    message: &MessageId,
    max: usize,
    room: Option<&QuestionRoom>,
    deadline: Instant,
) -> Result<Fetched, Failure> {
    fetch_with(config, deadline, || line.content(message, max, room)).await
}

/// Returns the failure of content that takes too long.
pub(super) fn late() -> Failure {
    Failure::retryable(Reason::LineRejected, "content: it did not come in time")
}

async fn fetch_with<F: Future<Output = Result<Fetched, Failure>>>(
    config: &Config,
    deadline: Instant,
    request: impl Fn() -> F,
) -> Result<Fetched, Failure> {
    let work = || async {
        match traces::step("content", request()).await {
            failed @ (Ok(Fetched::Refused(_)) | Err(_)) => Err(failed),
            fetched => Ok(fetched),
        }
    };
    let pause = |tries, failed: Result<Fetched, Failure>| match &failed {
        Ok(Fetched::Refused(failure)) | Err(failure) => {
            retry_pauses::within(&config.pauses.within, tries, failure).ok_or(failed)
        }
        Ok(_) => Err(failed),
    };
    let fetched = async { retry(work, pause).await.unwrap_or_else(|failed| failed) };
    timeout_at(deadline, fetched).await.map_err(|_| late())?
}

/// Transcribes a recording, with the short retries of an attempt.
async fn transcribe(
    clients: &Clients,
    model: &str,
    recording: &Bytes,
    attempt: &Attempt<'_>,
    deadline: Instant,
) -> Result<Heard, Failure> {
    attempt.ensure_call_left()?;
    let work = || async {
        attempt.count_call();
        let done = clients.model.transcribe(model, recording.clone(), deadline).await;
        // A transcript that succeeded is not counted: it has served its question, and it is no try at an answer.
        attempt.finish_call(done.as_ref().is_err_and(ModelError::is_paid));
        match done {
            Err(
                ModelError::Unauthorized(failure)
                | ModelError::Failed(failure)
                | ModelError::Unusable(failure),
            ) => Err(failure),
            heard => Ok(heard.unwrap_or(Heard::Nothing)),
        }
    };
    let pauses = &clients.config.pauses.within;
    retry(work, |tries, failure| attempt.pause_before_call(pauses, tries, &failure, deadline, 0)).await
}

/// Returns the size of a job's own file, if LINE gives it.
pub(super) fn size(job: &Job) -> Option<u64> {
    match job.kind {
        JobKind::Question { content: Some(Content::File { size_bytes, .. }), .. } => size_bytes,
        _ => None,
    }
}

/// Returns the length of a job's own recording, if LINE gives it.
fn duration(job: &Job) -> Option<Duration> {
    match job.kind {
        JobKind::Question { content: Some(Content::Voice { duration_ms }), .. } => {
            duration_ms.map(Duration::from_millis)
        }
        _ => None,
    }
}
