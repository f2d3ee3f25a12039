//! The profiles that are known, remembered in this process only, as LINE's data policy wants it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::locale::Locale;

/// How long a profile is believed.
const LIFE: SignedDuration = SignedDuration::from_hours(1);
/// How many are remembered at once.
const PROFILES_MAX: usize = 10_000;

/// What is known of a person.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// The name they gave themselves. Never logged.
    pub name: Option<String>,
    /// Their language, if the bot speaks it.
    pub locale: Option<Locale>,
}

/// The profiles that are remembered, and when each was asked for.
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
    now.duration_since(at) < LIFE
}
