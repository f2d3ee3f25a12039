//! The planned faults of a server's next requests, and the log of its requests.

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

/// The number of requests that are kept. It is limited because `henji dev` may run for days.
const SEEN_MAX: usize = 100_000;

/// A planned misbehaviour of one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Answers with this status, headers and body, and does nothing else.
    Respond(u16, Vec<(&'static str, String)>, String),
    /// Waits for this time, then behaves.
    After(Duration),
    /// Does not answer; breaks the connection at the next call of [`FaultPlan::set_fault`].
    Hang,
    /// Does nothing and breaks the connection in the middle of an answer.
    Reset,
    /// Does what was asked and then breaks the connection, so the caller does not know the result.
    Lose,
    /// Does what was asked and answers only after this time.
    Late(Duration),
}

/// A request as the server received it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its path.
    pub path: String,
    /// Its headers, names in lower case.
    pub headers: HashMap<String, String>,
    /// Its body as JSON; null if it had none, or none that is JSON.
    pub body: Value,
    /// The time when it came.
    pub at: Instant,
}

/// The faults that are still to come, by path, and the requests so far.
#[derive(Default)]
pub struct FaultPlan {
    planned: Mutex<HashMap<String, VecDeque<Fault>>>,
    standing: Mutex<HashMap<String, Fault>>,
    hang_ends: Notify,
    seen: Mutex<VecDeque<Seen>>,
}

impl FaultPlan {
    /// Plans a fault for the next request to `path`; several calls plan faults for several requests.
    pub fn plan_next(&self, path: &str, fault: Fault) {
        lock(&self.planned).entry(path.to_owned()).or_default().push_back(fault);
    }

    /// Sets the fault of requests to `path`, for the next request only or until the next call of this function. Breaks
    /// the connections that hang.
    pub fn set_fault(&self, path: &str, fault: Option<&Fault>, once: bool) {
        lock(&self.planned).remove(path);
        lock(&self.standing).remove(path);
        match fault {
            Some(fault) if once => self.plan_next(path, fault.clone()),
            Some(fault) => drop(lock(&self.standing).insert(path.to_owned(), fault.clone())),
            None => {}
        }
        self.hang_ends.notify_waiters();
    }

    /// Removes all faults: from now on every request behaves.
    pub fn behave(&self) {
        lock(&self.planned).clear();
        lock(&self.standing).clear();
    }

    /// Returns every request to `path` so far.
    pub fn seen(&self, path: &str) -> Vec<Seen> {
        lock(&self.seen).iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// Returns every request so far.
    pub fn all_seen(&self) -> Vec<Seen> {
        lock(&self.seen).iter().cloned().collect()
    }

    /// Logs a request and answers it as the server behind it does, unless a fault is planned for it.
    pub(crate) async fn pass(&self, request: Request, next: Next) -> Response {
        let (head, body) = request.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else { return broken() };
        let answer_normally =
            async || next.run(Request::from_parts(head.clone(), Body::from(body.clone()))).await;
        self.apply(head.uri.path(), &head.headers, &body, answer_normally).await
    }

    /// Does the same for a request whose body is logged in another form.
    pub(crate) async fn apply(
        &self,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
        answer_normally: impl AsyncFnOnce() -> Response,
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
            None => answer_normally().await,
            Some(Fault::After(pause)) => {
                tokio::time::sleep(pause).await;
                answer_normally().await
            }
            Some(Fault::Respond(status, headers, body)) => respond(status, &headers, body),
            Some(Fault::Hang) => {
                self.hang_ends.notified().await;
                broken()
            }
            Some(Fault::Reset) => broken(),
            Some(Fault::Lose) => {
                answer_normally().await;
                broken()
            }
            Some(Fault::Late(pause)) => {
                let response = answer_normally().await;
                tokio::time::sleep(pause).await;
                response
            }
        }
    }
}
