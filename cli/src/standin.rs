//! Servers that stand in for LINE and for the model, over HTTP, for `henji dev` and the tests: what
//! talks to them is the product's own code. They behave as documented, and misbehave on demand.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::Value;
use tokio::sync::Notify;

pub mod line;
pub mod model;

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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Notes the request and answers it: as `behaved` does, unless something is in the script.
    async fn play(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
        behaved: impl AsyncFnOnce(Value) -> Response,
    ) -> Response {
        let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let seen = Seen {
            path: path.to_owned(),
            headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: serde_json::from_slice(body).unwrap_or_default(),
            at: Instant::now(),
        };
        let json = seen.body.clone();
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
            None => behaved(json).await,
            Some(Act::After(pause)) => {
                tokio::time::sleep(pause).await;
                behaved(json).await
            }
            Some(Act::Respond(status, headers, body)) => respond(status, &headers, body),
            Some(Act::Hang) => {
                self.unhung.notified().await;
                broken()
            }
            Some(Act::Reset) => broken(),
            Some(Act::Lose) => {
                behaved(json).await;
                broken()
            }
            Some(Act::Late(pause)) => {
                let response = behaved(json).await;
                tokio::time::sleep(pause).await;
                response
            }
        }
    }
}

fn respond(status: u16, headers: &[(&'static str, String)], body: String) -> Response {
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(body)).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// A response that promises a hundred bytes and breaks after the first.
fn broken() -> Response {
    let chunks = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset on purpose"))];
    let body = Body::from_stream(stream::iter(chunks));
    let response = Response::builder().header("content-length", "100").body(body);
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
