//! Who somebody is (LINE, "Get profile"): a name and a language, asked for when needed and remembered in
//! this process only, as LINE's data policy wants it.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde::Deserialize;

use super::{BODY_MAX, Line, SIDE_TIMEOUT, http};
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

    fn get(&self, user: &str, now: Timestamp) -> Option<Profile> {
        let (at, profile) = self.lock().get(user).cloned()?;
        is_believed(at, now).then_some(profile)
    }

    fn keep(&self, user: &str, profile: Profile, now: Timestamp) {
        let mut profiles = self.lock();
        if profiles.len() >= PROFILES_MAX {
            profiles.retain(|_, (at, _)| is_believed(*at, now));
        }
        if profiles.len() >= PROFILES_MAX {
            profiles.clear();
        }
        profiles.insert(user.to_owned(), (now, profile));
    }
}

fn is_believed(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at) < LIFE
}

impl Line {
    /// What is remembered of this person, if anything is.
    pub fn known_profile(&self, user: &str) -> Option<Profile> {
        self.profiles.get(user, (self.clock)())
    }

    /// What was remembered of this person holds no longer.
    pub fn forget_profile(&self, user: &str) {
        self.profiles.lock().remove(user);
    }

    /// Who this is. Nobody is, where LINE does not say: to who blocked the bot, and in groups.
    pub async fn profile(&self, user: &str) -> Profile {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            display_name: Option<String>,
            language: Option<String>,
        }
        if let Some(known) = self.known_profile(user) {
            return known;
        }
        let url = format!("{}/v2/bot/profile/{user}", self.base_url);
        let Ok(response) = self.authorized(self.http.get(url), SIDE_TIMEOUT).send().await else {
            return Profile::default();
        };
        let profile = match response.status() {
            StatusCode::OK => {
                let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
                let Ok(Answer { display_name, language }) = serde_json::from_slice(&body) else {
                    return Profile::default();
                };
                let name = display_name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
                Profile { name, locale: language.as_deref().and_then(Locale::of_tag) }
            }
            StatusCode::NOT_FOUND => Profile::default(),
            _ => return Profile::default(),
        };
        self.profiles.keep(user, profile.clone(), (self.clock)());
        profile
    }
}
