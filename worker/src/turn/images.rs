//! The images of a question: those that it is about, and the last ones before it. They are fetched from LINE during an
//! attempt and given to the model together, in the order in which the person chose them. Nothing of them is ever stored.

use std::time::Duration;

use shared::job::{EventId, Job, MessageId};
use tokio::time::{Instant, timeout_at};

use super::{
    media::{EARLIER_WAIT_MAX, MediaOutcome, fetch, fetch_earlier, late, size, without_content, words},
    prompt_input::PromptInput,
    time_budget::Attempt,
};
use crate::{
    adapters::line::{Fetched, QuestionRoom},
    clients::Clients,
    failure::Failure,
    history::Question,
    rules::{
        image::{self, Image},
        message_kind::{Attachment, MessageKind, kept},
        sent_image::{LastImages, SentImage, ShownImage, shown},
        waiting::TOGETHER_MAX,
    },
};

/// The longest time that a question waits for its own images if it has something else that can be asked.
const OWN_WAIT_MAX: Duration = Duration::from_secs(30);

/// The images of the conversation before a question.
pub(crate) struct Before {
    /// The last images.
    pub(crate) images: LastImages,
    /// The newest turn.
    pub(crate) newest: Option<EventId>,
    /// Whether the question gets an earlier file, too.
    pub(crate) has_file: bool,
}

/// Returns the images that a question gets, in their order: those that it is about, and those before it.
fn choose(job: &Job, input: &PromptInput, before: &Before) -> Vec<ShownImage> {
    let attached = match &input.attachment {
        Some(Attachment::Image(id)) => Some(id),
        _ => None,
    };
    let image = |id: &MessageId| {
        let id = || Some(id.clone());
        SentImage::of(MessageKind::Image, &input.kept, input.image_set.as_deref(), id, job.at())
    };
    let before_it = input.before.iter().filter_map(Question::image);
    let again = input.asked_with.iter().filter_map(&image);
    let own: Vec<_> = before_it.chain(again).chain(attached.and_then(&image)).collect();
    // A question about other content, or one that quotes a message, says what it is about.
    if own.is_empty() && (input.attachment.is_some() || input.quotes.is_some()) {
        return vec![];
    }
    let asks_newest = input.replaces.is_some() && input.replaces == before.newest;
    let earlier = before.images.in_view(&own, asks_newest, job.at());
    shown(earlier, own, TOGETHER_MAX as usize)
}

/// Fetches the images of a question, and those before it that it gets, and puts them into the question. A question with
/// words is asked although its images cannot be seen.
pub(crate) async fn fetch_images(
    clients: &Clients,
    job: &Job,
    input: &mut PromptInput,
    before: &Before,
    attempt: &Attempt<'_>,
    deadline: Instant,
) -> Result<MediaOutcome, Failure> {
    let Clients { config, line, .. } = clients;
    if matches!(input.attachment, Some(Attachment::Image(_))) {
        input.question.clear();
        if input.kept.is_empty() {
            input.kept = kept(&job.kind).unwrap_or_default().into_owned();
        }
    }
    let chosen = choose(job, input, before);
    let own = chosen.iter().filter(|image| image.is_own).count();
    if !config.model.may_see() && own > 0 {
        return Ok(MediaOutcome::AboutImages(words(config, line, job).no_vision.to_owned()));
    }
    if chosen.is_empty() || !config.model.may_see() {
        return Ok(MediaOutcome::Ready);
    }
    input.has_own_images = own > 0;
    let earlier_by = deadline.min(Instant::now() + EARLIER_WAIT_MAX);
    if chosen.len() + usize::from(before.has_file && own == 0) > 1 {
        let room_by = if own > 0 { deadline } else { earlier_by };
        match timeout_at(room_by, line.room_of_question()).await {
            Ok(room) => input.room = Some(room),
            Err(_) if own > 0 => return Err(late()),
            Err(_) => return Ok(MediaOutcome::Ready),
        }
    }
    let is_alone = chosen.len() == 1 && input.question.is_empty();
    let own_by = if is_alone { deadline } else { deadline.min(Instant::now() + OWN_WAIT_MAX) };
    let (mut notice, mut failed) = (None, None);
    // If there is no room for all of them, the newest are kept.
    for ShownImage { message_id, is_own } in chosen.iter().rev() {
        let room = input.room.as_ref();
        let image = if *is_own {
            let fetched = fetch_own(clients, job, message_id, room, attempt, own_by).await;
            input.unseen_images += usize::from(!matches!(fetched, Ok(Ok(_))));
            match fetched {
                Ok(Ok(image)) => Some(image),
                Ok(Err(silence @ MediaOutcome::Silence)) => return Ok(silence),
                Ok(Err(why)) => notice.replace(why).and(None),
                Err(failure) => failed.replace(failure).and(None),
            }
        } else {
            let content = fetch_earlier(config, line, message_id, image::BYTES_MAX, room, earlier_by).await;
            content.and_then(Image::of)
        };
        input.images.extend(image);
    }
    input.images.reverse();
    // The question is asked with what it has.
    if input.unseen_images < own || !input.question.is_empty() {
        return Ok(MediaOutcome::Ready);
    }
    match (failed, notice) {
        (Some(failure), _) => Err(failure),
        (None, notice) => Ok(notice.unwrap_or(MediaOutcome::Ready)),
    }
}

/// Fetches an image of the question itself, or returns what is said instead.
async fn fetch_own(
    clients: &Clients,
    job: &Job,
    id: &MessageId,
    room: Option<&QuestionRoom>,
    attempt: &Attempt<'_>,
    deadline: Instant,
) -> Result<Result<Image, MediaOutcome>, Failure> {
    let Clients { config, line, .. } = clients;
    let words = words(config, line, job);
    let says = |text: &str| Ok(Err(MediaOutcome::AboutImages(text.to_owned())));
    if size(job).is_some_and(|size| size > image::BYTES_MAX as u64) {
        return says(words.image_too_large);
    }
    match fetch(config, line, id, image::BYTES_MAX, room, deadline).await? {
        Fetched::Available(content) => match Image::of(content) {
            Some(image) => Ok(Ok(image)),
            None => says(words.image_unclear),
        },
        other => {
            let why = without_content(clients, job, other, attempt.number, words.image_too_large).await?;
            Ok(Err(match why {
                MediaOutcome::Reply(text) => MediaOutcome::AboutImages(text),
                other => other,
            }))
        }
    }
}
