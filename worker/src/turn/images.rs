//! The images of a question: those that it is about, and the last ones before it. They are fetched from LINE during an
//! attempt and given to the model together, in the order in which the person chose them. Nothing of them is ever stored.

use shared::job::{Job, MessageId};
use tokio::time::{Instant, timeout_at};

use super::{
    media::{MediaOutcome, QUOTED_WAIT_MAX, fetch, fetch_earlier, late, size, without_content, words},
    prompt_input::PromptInput,
    time_budget::Attempt,
};
use crate::{
    adapters::line::{Fetched, QuestionRoom},
    clients::Clients,
    failure::Failure,
    rules::{
        image::{self, Image},
        message_kind::{Attachment, MessageKind, kept},
        sent_image::{LastImages, SentImage, in_order},
        waiting::TOGETHER_MAX,
    },
};

/// Returns the images that a question itself is about: those that were sent just before it, to be answered with it, and
/// its own.
fn own_images(job: &Job, input: &PromptInput) -> Vec<SentImage> {
    let before = input
        .before
        .iter()
        .filter_map(|said| SentImage::of(said.kind, &said.text, || said.message_id.clone(), said.said_at));
    let own = match &input.attachment {
        Some(Attachment::Image(id)) => {
            SentImage::of(MessageKind::Image, &input.kept, || Some(id.clone()), job.at())
        }
        _ => None,
    };
    before.chain(own).collect()
}

/// Fetches the images of a question, and those before it that it sees, and puts them into the question.
pub(crate) async fn fetch_images(
    clients: &Clients,
    job: &Job,
    input: &mut PromptInput,
    last: &LastImages,
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
    let own = own_images(job, input);
    // A question about other content, or one that quotes a message, says what it is about.
    let is_about_last = !own.is_empty() || (input.attachment.is_none() && input.quotes.is_none());
    let mut earlier =
        if is_about_last { last.in_view(&own, input.replaces.is_some(), job.at()) } else { vec![] };
    if !config.model.may_see() {
        let no_vision = || MediaOutcome::Reply(words(config, line, job).no_vision.to_owned());
        return Ok(if own.is_empty() { MediaOutcome::Ready } else { no_vision() });
    }
    if own.is_empty() && earlier.is_empty() {
        return Ok(MediaOutcome::Ready);
    }
    let most = (TOGETHER_MAX as usize).saturating_sub(own.len());
    earlier.drain(..earlier.len().saturating_sub(most));
    let is_own = |id: &MessageId| own.iter().any(|image| image.message_id == *id);
    let all: Vec<MessageId> =
        in_order([earlier, own.clone()].concat()).into_iter().map(|image| image.message_id).collect();
    // Without earlier images the question is asked, too.
    let latest = if own.is_empty() { deadline.min(Instant::now() + QUOTED_WAIT_MAX) } else { deadline };
    let room = async { if all.len() > 1 { Some(line.room_of_question().await) } else { None } };
    let room = match timeout_at(latest, room).await {
        Ok(room) => room,
        Err(_) if own.is_empty() => return Ok(MediaOutcome::Ready),
        Err(_) => return Err(late()),
    };
    let (mut images, mut notice, mut unseen) = (vec![], None, 0);
    // If there is no room for all of them, the newest are kept.
    for id in all.iter().rev() {
        let shown = if is_own(id) {
            fetch_own(clients, job, id, room.as_ref(), attempt, deadline).await?
        } else {
            let content = fetch_earlier(config, line, id, image::BYTES_MAX, room.as_ref(), deadline).await;
            content.and_then(Image::of).ok_or(MediaOutcome::Ready)
        };
        match shown {
            Ok(image) => images.push(image),
            Err(silence @ MediaOutcome::Silence) => return Ok(silence),
            Err(outcome) if is_own(id) => (notice, unseen) = (Some(outcome), unseen + 1),
            Err(_) => {}
        }
    }
    if let Some(notice) = notice.filter(|_| unseen == own.len()) {
        return Ok(notice);
    }
    images.reverse();
    (input.images, input.unseen_images, input.has_own_images) = (images, unseen, !own.is_empty());
    Ok(MediaOutcome::Ready)
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
    let says = |text: &str| Ok(Err(MediaOutcome::Reply(text.to_owned())));
    if size(job).is_some_and(|size| size > image::BYTES_MAX as u64) {
        return says(words.image_too_large);
    }
    match fetch(config, line, id, image::BYTES_MAX, room, deadline).await? {
        Fetched::Available(content) => match Image::of(content) {
            Some(image) => Ok(Ok(image)),
            None => says(words.image_unclear),
        },
        other => without_content(clients, job, other, attempt.number, words.image_too_large).await.map(Err),
    }
}
