//! Decides which jobs at the front of a conversation are answered together, and how long they wait for more. Pure.
//!
//! People send several images at once, and often write about them afterwards. LINE delivers each image by an event of its
//! own, in any order (LINE, "Image message", `imageSet`). Only images wait: a text is answered at once.

use std::time::Duration;

use jiff::Timestamp;
use shared::job::{Content, ImageSet, Job, JobKind};

use super::message_kind::MessageKind;

/// The most jobs that are answered together: as many as SQS delivers at once.
pub(crate) const TOGETHER_MAX: u32 = 10;
/// The time that an image waits for words.
const WORDS_WAIT: Duration = Duration::from_secs(2);
/// The time that the images of a set wait for the next one.
const IMAGE_WAIT: Duration = Duration::from_secs(3);
/// The longest time that jobs wait for more in all.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(4);
/// The most milliseconds that the clock of *accept* is ahead. If it is further ahead, nobody knows how long a job has
/// waited.
const CLOCK_AHEAD_MS: i64 = 1_000;

/// Whether this job is answered together with these jobs, which are just before it. If `merges`, texts that wait anyway
/// are answered together, too.
pub(crate) fn joins(jobs: &[Job], next: &Job, merges: bool) -> bool {
    let is_same_message = |job: &Job| job.message_id().is_some() && job.message_id() == next.message_id();
    let Some((first, last)) = jobs.first().zip(jobs.last()) else { return true };
    if is_full(jobs) || jobs.iter().any(is_same_message) {
        return false;
    }
    if is_image(last) {
        let is_same_run = first.run.is_some() == next.run.is_some();
        let is_in_set = set_of(last).is_some_and(|set| set_of(next).is_some_and(|other| other.id == set.id));
        return next.is_private() && is_same_run && (is_plain(next) || is_in_set);
    }
    // Jobs that do not name the speaker may be of two people.
    let is_same_speaker = first.speaker == next.speaker && (next.speaker.is_some() || next.is_private());
    merges && is_same_speaker && is_plain(last) && is_plain(next)
}

/// Returns the time that these jobs, which are answered together, still wait for more; zero if they are due. Jobs that
/// another job follows are due.
pub(crate) fn wait(jobs: &[Job], is_followed: bool, now: Timestamp) -> Duration {
    let Some(last) = jobs.last().filter(|job| is_image(job) && job.is_private()) else {
        return Duration::ZERO;
    };
    if is_followed || is_full(jobs) || jobs.iter().any(|job| job.run.is_some()) {
        return Duration::ZERO;
    }
    let accepted = || jobs.iter().filter_map(|job| job.accepted_at);
    let Some((oldest, newest)) = accepted().min().zip(accepted().max()) else { return Duration::ZERO };
    let since = |at: i64| {
        let ago_ms = now.as_millisecond().saturating_sub(at);
        (ago_ms >= -CLOCK_AHEAD_MS).then(|| Duration::from_millis(u64::try_from(ago_ms).unwrap_or(0)))
    };
    let Some((since_oldest, since_newest)) = since(oldest).zip(since(newest)) else { return Duration::ZERO };
    let is_whole = set_of(last).is_none_or(|set| set.total.is_some_and(|total| jobs.len() >= total as usize));
    let for_next = if is_whole { WORDS_WAIT } else { IMAGE_WAIT };
    for_next.saturating_sub(since_newest).min(WAIT_MAX.saturating_sub(since_oldest))
}

fn is_full(jobs: &[Job]) -> bool {
    jobs.len() >= TOGETHER_MAX as usize
}

/// Whether a job may be answered together with jobs behind it.
pub(crate) fn may_be_joined(job: &Job, merges: bool) -> bool {
    is_image(job) && job.is_private() || merges && is_plain(job)
}

/// Whether these jobs are one question about images, so that one attempt asks it as a whole.
pub(crate) fn has_images(jobs: &[Job]) -> bool {
    jobs.first().is_some_and(is_image)
}

/// Returns the set of a job's image.
pub(crate) fn set_of(job: &Job) -> Option<&ImageSet> {
    match &job.kind {
        JobKind::Question { content: Some(Content::Image { set }), .. } => set.as_ref(),
        _ => None,
    }
}

fn is_image(job: &Job) -> bool {
    MessageKind::of(&job.kind) == MessageKind::Image
}

/// Whether a job is a question in words only: no quote, no media and no command.
fn is_plain(job: &Job) -> bool {
    let JobKind::Question { text, quotes: None, content: None, only_if_quoting_bot: false, .. } = &job.kind
    else {
        return false;
    };
    !job.kind.is_tap() && job.kind.command(text).is_none()
}

#[cfg(test)]
mod tests;
