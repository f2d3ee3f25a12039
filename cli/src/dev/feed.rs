//! What the page shows, as a list that only grows at its end. Every page reads it from its start, or on
//! from where it lost the line, so two pages show the same and a reload loses nothing.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::response::sse::Event;
use futures_util::{Stream, stream};
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use worker::answer::Clock;

use std::sync::Arc;

/// How many entries are kept; the oldest go first.
const KEPT: usize = 5_000;

/// The list.
pub(super) struct Feed {
    /// Names this process, so that a page which outlives it starts anew.
    boot: String,
    log: Mutex<Log>,
    end: watch::Sender<u64>,
    clock: Clock,
    stop: CancellationToken,
}

#[derive(Default)]
struct Log {
    gone: u64,
    entries: VecDeque<Arc<str>>,
}

impl Feed {
    /// An empty one, whose readers are sent home at `stop`.
    pub(super) fn new(clock: Clock, stop: CancellationToken) -> Arc<Self> {
        let boot = Uuid::new_v4().simple().to_string();
        Arc::new(Self { boot, log: Mutex::default(), end: watch::Sender::new(0), clock, stop })
    }

    /// Adds an entry of this kind to the end.
    pub(super) fn tell(&self, kind: &str, mut fields: Value) {
        fields["kind"] = kind.into();
        fields["at"] = (self.clock)().as_millisecond().into();
        let mut log = self.log();
        log.entries.push_back(fields.to_string().into());
        if log.entries.len() > KEPT {
            log.entries.pop_front();
            log.gone += 1;
        }
        self.end.send_replace(log.gone + log.entries.len() as u64);
    }

    /// The entries after the one that the browser names as its last, then the coming ones.
    pub(super) fn stream(
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
            let (n, entry) = {
                let log = feed.log();
                let n = next.max(log.gone);
                let entry = log.entries.get(usize::try_from(n - log.gone).ok()?)?;
                (n, entry.clone())
            };
            let event = Event::default().id(format!("{}-{n}", feed.boot)).data(entry.as_ref());
            Some((Ok(event), (feed, end, n + 1)))
        })
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
