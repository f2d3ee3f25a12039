//! Faults on demand: what a server does wrong with which of its next requests, and the requests that it was sent.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::HeaderMap,
    middleware::Next,
    response::Response,
};
use serde_json::Value;
use tokio::sync::Notify;

use crate::{
    lock::lock,
    respond::{broken, respond},
};

/// How many requests are remembered: `henji dev` may run for days.
const SEEN_MAX: usize = 100_000;

/// A misbehaviour, for one request.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers this and does nothing else.
    Respond(u16, Vec<(&'static str, String)>, String),
    /// Behaves, but only after this long.
    After(Duration),
    /// Never answers; breaks off once [`Script::misbehaves`] says something else.
    Hang,
    /// Does nothing and breaks the connection in the middle of an answer.
    Reset,
    /// Does what was asked and breaks the connection: the caller cannot know.
    Lose,
    /// Does what was asked and says so only after this long.
    Late(Duration),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its path.
    pub path: String,
    /// Its headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// Its body; null if there was none.
    pub body: Value,
    /// When.
    pub at: Instant,
}

/// What is still to be done wrong, per path, and what was asked.
#[derive(Default)]
pub struct Script {
    acts: Mutex<HashMap<String, VecDeque<Act>>>,
    standing: Mutex<HashMap<String, Act>>,
    unhung: Notify,
    seen: Mutex<VecDeque<Seen>>,
}

impl Script {
    /// The next request to `path` is treated so; further calls queue up.
    pub fn will(&self, path: &str, act: Act) {
        lock(&self.acts).entry(path.to_owned()).or_default().push_back(act);
    }

    /// Requests to `path` are treated so: the next one alone, or all until further notice; and those that
    /// hang are broken off.
    pub fn misbehaves(&self, path: &str, act: Option<&Act>, once: bool) {
        lock(&self.acts).remove(path);
        lock(&self.standing).remove(path);
        match act {
            Some(act) if once => self.will(path, act.clone()),
            Some(act) => drop(lock(&self.standing).insert(path.to_owned(), act.clone())),
            None => {}
        }
        self.unhung.notify_waiters();
    }

    /// From now on every request behaves.
    pub fn behave(&self) {
        lock(&self.acts).clear();
        lock(&self.standing).clear();
    }

    /// Every request to `path` so far.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        lock(&self.seen).iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// Every request so far.
    pub fn all_seen(&self) -> Vec<Seen> {
        lock(&self.seen).iter().cloned().collect()
    }

    /// Notes a request and answers it: as the server behind it does, unless something is in the script.
    pub(crate) async fn pass(&self, request: Request, next: Next) -> Response {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else { return broken() };
        let behaved = async || next.run(Request::from_parts(head.clone(), Body::from(body.clone()))).await;
        self.play(head.uri.path(), &head.headers, &body, behaved).await
    }

    /// The same of a request whose body is noted in another form.
    pub(crate) async fn play(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
        behaved: impl AsyncFnOnce() -> Response,
    ) -> Response {
        let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let seen = Seen {
            path: path.to_owned(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: serde_json::from_slice(body).unwrap_or_default(),
            at: Instant::now(),
        };
        {
            let mut all = lock(&self.seen);
            if all.len() == SEEN_MAX {
                all.pop_front();
            }
            all.push_back(seen);
        }
        let next = lock(&self.acts).get_mut(path).and_then(VecDeque::pop_front);
        let act = next.or_else(|| lock(&self.standing).get(path).cloned());
        match act {
            None => behaved().await,
            Some(Act::After(pause)) => {
                tokio::time::sleep(pause).await;
                behaved().await
            }
            Some(Act::Respond(status, headers, body)) => respond(status, &headers, body),
            Some(Act::Hang) => {
                self.unhung.notified().await;
                broken()
            }
            Some(Act::Reset) => broken(),
            Some(Act::Lose) => {
                behaved().await;
                broken()
            }
            Some(Act::Late(pause)) => {
                let response = behaved().await;
                tokio::time::sleep(pause).await;
                response
            }
        }
    }
}
