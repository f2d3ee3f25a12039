//! The planned faults of a server's next requests, and a log of its requests.

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
pub enum Fault {
    /// Answers this and does nothing else.
    Respond(u16, Vec<(&'static str, String)>, String),
    /// Behaves, but only after this long.
    After(Duration),
    /// Never answers; breaks off once [`FaultPlan::misbehaves`] says something else.
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
pub struct FaultPlan {
    planned: Mutex<HashMap<String, VecDeque<Fault>>>,
    standing: Mutex<HashMap<String, Fault>>,
    unhung: Notify,
    seen: Mutex<VecDeque<Seen>>,
}

impl FaultPlan {
    /// The next request to `path` is treated so; further calls queue up.
    pub fn will(&self, path: &str, fault: Fault) {
        lock(&self.planned).entry(path.to_owned()).or_default().push_back(fault);
    }

    /// Requests to `path` are treated so: the next one alone, or all until further notice; and those that
    /// hang are broken off.
    pub fn misbehaves(&self, path: &str, fault: Option<&Fault>, once: bool) {
        lock(&self.planned).remove(path);
        lock(&self.standing).remove(path);
        match fault {
            Some(fault) if once => self.will(path, fault.clone()),
            Some(fault) => drop(lock(&self.standing).insert(path.to_owned(), fault.clone())),
            None => {}
        }
        self.unhung.notify_waiters();
    }

    /// From now on every request behaves.
    pub fn behave(&self) {
        lock(&self.planned).clear();
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

    /// Notes a request and answers it: as the server behind it does, unless a fault is planned for it.
    pub(crate) async fn pass(&self, request: Request, next: Next) -> Response {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else { return broken() };
        let behaved = async || next.run(Request::from_parts(head.clone(), Body::from(body.clone()))).await;
        self.apply(head.uri.path(), &head.headers, &body, behaved).await
    }

    /// The same of a request whose body is noted in another form.
    pub(crate) async fn apply(
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
        let next = lock(&self.planned).get_mut(path).and_then(VecDeque::pop_front);
        let fault = next.or_else(|| lock(&self.standing).get(path).cloned());
        match fault {
            None => behaved().await,
            Some(Fault::After(pause)) => {
                tokio::time::sleep(pause).await;
                behaved().await
            }
            Some(Fault::Respond(status, headers, body)) => respond(status, &headers, body),
            Some(Fault::Hang) => {
                self.unhung.notified().await;
                broken()
            }
            Some(Fault::Reset) => broken(),
            Some(Fault::Lose) => {
                behaved().await;
                broken()
            }
            Some(Fault::Late(pause)) => {
                let response = behaved().await;
                tokio::time::sleep(pause).await;
                response
            }
        }
    }
}
