//! The language of the person, and their name. If LINE does not give them, the bot answers without them.

use std::time::Duration;

use shared::job::Job;
use tokio::time::timeout;

use crate::{
    adapters::line::{LineClient, Profile},
    locale::Locale,
};

/// The longest time that a prompt waits for the person's name.
const NAME_WAIT_MAX: Duration = Duration::from_millis(300);

/// Returns the person's profile; an empty one in a group.
pub(crate) async fn profile(line: &LineClient, job: &Job) -> Profile {
    if job.is_private() { line.profile(job.conversation.as_str()).await } else { Profile::default() }
}

/// Returns the person's language if it is known by now, else `default`.
pub(crate) fn locale(line: &LineClient, job: &Job, default: Locale) -> Locale {
    let profile = line.known_profile(job.conversation.as_str());
    profile.and_then(|profile| profile.locale).unwrap_or(default)
}

/// Asks LINE for the person's profile and then does `work`, whose prompt has the name. If LINE is slow, the work begins
/// without the profile, and never ends later for it.
pub(crate) async fn after_learning_profile<T>(
    line: &LineClient,
    job: &Job,
    work: impl Future<Output = T>,
) -> T {
    let learning = profile(line, job);
    tokio::pin!(work, learning);
    if timeout(NAME_WAIT_MAX, &mut learning).await.is_ok() {
        return work.await;
    }
    tokio::select! {
        biased;
        done = &mut work => done,
        _ = learning => work.await,
    }
}

/// Returns the name of the person in a private chat, if it is known by now. In a group the names stand before the words.
pub(crate) fn name(line: &LineClient, job: &Job) -> Option<String> {
    job.is_private().then(|| line.user_name(job.conversation.as_str()))?
}

/// Asks LINE for the name of the person who spoke in a group, if LINE named the person.
pub(crate) async fn learn_speaker(line: &LineClient, job: &Job) {
    if let Some(user) = job.speaker.as_ref().filter(|_| !job.is_private()) {
        line.learn_member(&job.conversation, user).await;
    }
}

/// Returns the name of the person who spoke in a group, if it is known by now.
pub(crate) fn speaker(line: &LineClient, job: &Job) -> Option<String> {
    let user = job.speaker.as_ref().filter(|_| !job.is_private())?;
    line.member_name(&job.conversation, user)
}
