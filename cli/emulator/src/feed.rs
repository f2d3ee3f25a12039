//! The entries that the page shows, as a list that only grows at its end. Every page reads it from the start, or from
//! the entry at which it lost the connection, so two pages show the same. A very long list loses its oldest
//! messages. It keeps the people, groups and settings, so that a reload shows them.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::response::sse::Event;
use futures_util::{Stream, stream};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{clock::Clock, lock::lock};

/// The number of entries that are kept; the oldest are removed first. A message has about twenty entries. With a
/// smaller number, if many messages are sent at once, the questions would be removed long before their answers.
const KEPT: usize = 20_000;

/// The list of entries.
pub struct Feed {
    /// The id of this process, by which a page from before a restart notices that it must reload.
    boot: String,
    log: Mutex<Log>,
    end: watch::Sender<u64>,
    clock: Clock,
    stop: CancellationToken,
    /// The secrets that no entry may show.
    secrets: Vec<String>,
}

#[derive(Default)]
struct Log {
    gone: u64,
    entries: VecDeque<Entry>,
    /// The removed entries that still describe the current state, by their place in the list.
    standing: BTreeMap<u64, Entry>,
}

#[derive(Clone)]
struct Entry {
    /// The name of the state that the entry describes, if any. A later entry of the same state replaces it.
    state: Option<String>,
    text: Arc<str>,
}

impl Log {
    /// Removes the oldest entry, but keeps it apart if it describes a state.
    fn shorten(&mut self) {
        let Some(oldest) = self.entries.pop_front() else { return };
        if oldest.state.is_some() {
            self.standing.retain(|_, entry| entry.state != oldest.state);
            self.standing.insert(self.gone, oldest);
        }
        self.gone += 1;
    }

    /// Returns the first entry from `next` on, and its place.
    fn first(&self, next: u64) -> Option<(u64, Arc<str>)> {
        if let Some((&n, entry)) = self.standing.range(next..).next() {
            return Some((n, entry.text.clone()));
        }
        let n = next.max(self.gone);
        Some((n, self.entries.get(usize::try_from(n - self.gone).ok()?)?.text.clone()))
    }
}

/// Returns the name of the state that an entry describes, if any.
fn state(kind: &str, fields: &Value) -> Option<String> {
    let of = match kind {
        "hello" | "pipeline" | "depth" | "letters" => "",
        "user" | "follows" => fields["user"].as_str()?,
        "group" => fields["chat"].as_str()?,
        "did" => fields["step"]["do"]
            .as_str()
            .filter(|step| ["think", "model", "line", "contents", "quota"].contains(step))?,
        _ => return None,
    };
    Some(format!("{kind} {of}"))
}

impl Feed {
    /// Makes an empty list. It disconnects its readers at `stop`, and shows none of these secrets.
    pub fn new(clock: Clock, stop: CancellationToken, secrets: Vec<String>) -> Arc<Self> {
        let boot = Uuid::new_v4().simple().to_string();
        Arc::new(Self { boot, log: Mutex::default(), end: watch::Sender::new(0), clock, stop, secrets })
    }

    /// Adds an entry of this kind at the end.
    pub fn tell(&self, kind: &str, mut fields: Value) {
        fields["kind"] = kind.into();
        fields["at"] = (self.clock)().as_millisecond().into();
        let mut text = fields.to_string();
        for secret in &self.secrets {
            text = text.replace(secret, "••••••••");
        }
        let mut log = lock(&self.log);
        log.entries.push_back(Entry { state: state(kind, &fields), text: text.into() });
        if log.entries.len() > KEPT {
            log.shorten();
        }
        self.end.send_replace(log.gone + log.entries.len() as u64);
    }

    /// Streams the entries after the one that the browser names as its last, and then the new ones.
    pub(crate) fn stream(
        self: Arc<Self>,
        last: Option<&str>,
    ) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
        let own = |last: &str| last.strip_prefix(&self.boot)?.strip_prefix('-')?.parse().ok();
        let next: u64 = last.and_then(own).map_or(0, |last: u64| last + 1);
        let end = self.end.subscribe();
        stream::unfold((self, end, next), async |(feed, mut end, next)| {
            tokio::select! {
                ended = end.wait_for(|end| *end > next) => { ended.ok()?; }
                () = feed.stop.cancelled() => return None,
            }
            let (n, entry) = lock(&feed.log).first(next)?;
            let event = Event::default().id(format!("{}-{n}", feed.boot)).data(entry.as_ref());
            Some((Ok(event), (feed, end, n + 1)))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_long_list_the_state_stays_and_no_secret_is_shown() {
        let feed = Feed::new(
            Arc::new(jiff::Timestamp::default),
            CancellationToken::new(),
            vec!["a secret".to_owned()],
        );
        feed.tell("user", json!({ "user": "U1", "name": "Aoi" }));
        feed.tell("did", json!({ "step": { "do": "think", "ms": 1 } }));
        feed.tell("did", json!({ "step": { "do": "think", "ms": 2 } }));
        for n in 0..KEPT + 10 {
            feed.tell("said", json!({ "n": n, "body": "it echoes a secret" }));
        }
        let log = lock(&feed.log);
        let (mut next, mut shown) = (0, vec![]);
        while let Some((n, text)) = log.first(next) {
            next = n + 1;
            shown.push(text);
        }
        assert_eq!(shown.len(), KEPT + 2);
        assert!(shown[0].contains("Aoi") && shown[1].contains("\"ms\":2"), "{} {}", shown[0], shown[1]);
        assert!(shown.iter().all(|text| !text.contains("a secret")));
    }
}
