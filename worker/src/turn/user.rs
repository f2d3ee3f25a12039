//! The language of the person, and their name in a group. If LINE does not give them, the bot answers without them.

use shared::job::Job;

use crate::{
    adapters::line::{LineClient, Profile},
    locale::Locale,
};

/// Returns the person's profile; an empty one in a group.
pub(crate) async fn profile(line: &LineClient, job: &Job) -> Profile {
    if job.is_private() { line.profile(job.conversation.as_str()).await } else { Profile::default() }
}

/// Returns the person's language if it is known by now, else `default`.
pub(crate) fn locale(line: &LineClient, job: &Job, default: Locale) -> Locale {
    let profile = line.known_profile(job.conversation.as_str());
    profile.and_then(|profile| profile.locale).unwrap_or(default)
}

/// Does `work`, and asks LINE for the person's profile meanwhile. The work never takes longer for that.
pub(crate) async fn while_learning_profile<T>(
    line: &LineClient,
    job: &Job,
    work: impl Future<Output = T>,
) -> T {
    tokio::pin!(work);
    tokio::select! {
        biased;
        done = &mut work => done,
        _ = profile(line, job) => work.await,
    }
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
