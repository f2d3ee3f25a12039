//! The known profiles. Only the memory of this process keeps them, as LINE's data policy requires.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::locale::Locale;

/// The time for which a remembered profile is used.
const PROFILE_MAX_AGE: SignedDuration = SignedDuration::from_hours(1);
/// The most profiles that are remembered at once.
const PROFILES_MAX: usize = 10_000;

/// The knowledge about a person.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The name that the person chose. It is never logged.
    pub name: Option<String>,
    /// The person's language, if the bot speaks it.
    pub locale: Option<Locale>,
}

/// The remembered profiles, and the time when each was requested.
#[derive(Default)]
pub(super) struct Profiles(Mutex<HashMap<String, (Timestamp, Profile)>>);

impl Profiles {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, Profile)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, user: &str, now: Timestamp) -> Option<Profile> {
        let (at, profile) = self.lock().get(user).cloned()?;
        is_believed(at, now).then_some(profile)
    }

    pub(super) fn keep(&self, user: &str, profile: Profile, now: Timestamp) {
        let mut profiles = self.lock();
        if profiles.len() >= PROFILES_MAX {
            profiles.retain(|_, (at, _)| is_believed(*at, now));
        }
        if profiles.len() >= PROFILES_MAX {
            profiles.clear();
        }
        profiles.insert(user.to_owned(), (now, profile));
    }

    pub(super) fn forget(&self, user: &str) {
        self.lock().remove(user);
    }
}

fn is_believed(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < PROFILE_MAX_AGE
}
