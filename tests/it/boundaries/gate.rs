//! The gate between a pipeline and all that is outside of it. It numbers what passes, each request and each
//! commit, and does harm to one of them: that is a boundary.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderMap, Method, Uri, header},
    response::{IntoResponse, Response},
    routing::post,
};
use cli::standin::model::COMPLETIONS;
use futures_util::stream;
use reqwest::Client;
use serde_json::Value;
use tokio::{process::Command, time::sleep};

use super::store::Store;
use crate::bot::host;

/// How long the model thinks: what is done beside it comes to its end meanwhile, in every run alike.
const THINK: Duration = Duration::from_millis(100);
/// What every commit is called.
const COMMIT: &str = "commit";

/// The nth passage of its name, as another run has it, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boundary {
    name: String,
    nth: usize,
}

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.name, self.nth)
    }
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process is killed before anything comes of it.
    KilledBefore,
    /// It is done, and the process is killed before it hears so.
    KilledAfter,
    /// It is done, and the connection breaks before the answer.
    AnswerLost,
}

/// Whose boundaries it sees, and what becomes of them.
pub struct Gate {
    http: Client,
    store: Store,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Those passed, and whether each came to an answer.
    passed: Vec<(Boundary, bool)>,
    fault: Option<(Boundary, Fault)>,
    /// Who is to be killed.
    pids: HashMap<&'static str, u32>,
    /// Answers that were paid for although they were stored before.
    paid_twice: Vec<String>,
}

impl Gate {
    /// One that does this, and looks into this store.
    pub fn new(store: Store, fault: Option<(Boundary, Fault)>) -> Arc<Self> {
        let state = Mutex::new(State { fault, ..State::default() });
        Arc::new(Self { http: worker::adapters::http::client().unwrap(), store, state })
    }

    /// A process runs by this name.
    pub fn knows(&self, process: &'static str, pid: u32) {
        self.state.lock().unwrap().pids.insert(process, pid);
    }

    /// Whether there was no fault to be, or it was.
    pub fn is_done(&self) -> bool {
        self.state.lock().unwrap().fault.is_none()
    }

    /// All faults that a run like this one can meet.
    pub fn faults(&self) -> Vec<(Boundary, Fault)> {
        let state = self.state.lock().unwrap();
        let all = state.passed.iter().flat_map(|(boundary, is_answered)| {
            let after = is_answered.then_some(Fault::KilledAfter);
            let lost = (*is_answered && !boundary.name.ends_with(COMMIT)).then_some(Fault::AnswerLost);
            let faults = [Some(Fault::KilledBefore), after, lost].into_iter().flatten();
            faults.map(|fault| (boundary.clone(), fault))
        });
        all.collect()
    }

    /// The boundaries so far, by their names.
    pub fn passed(&self) -> Vec<String> {
        self.state.lock().unwrap().passed.iter().map(|(boundary, _)| boundary.to_string()).collect()
    }

    /// Answers that were paid for although they were stored before.
    pub fn paid_twice(&self) -> Vec<String> {
        self.state.lock().unwrap().paid_twice.clone()
    }

    /// The origin at which a process finds what is at `origin`.
    pub async fn before(self: &Arc<Self>, process: &'static str, origin: String) -> String {
        let gate = self.clone();
        let handle = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let url = format!("{origin}{uri}");
            // To wait for work is no effect on anything.
            if uri.path().ends_with("/invocation/next") {
                return gate.hands_on(method, &url, headers, body).await;
            }
            let place = gate.passes(format!("{process} {}", name(&method, &uri, &headers)));
            if gate.does(place, Fault::KilledBefore) {
                gate.kills(process).await;
            }
            let mut stored = vec![];
            if uri.path() == COMPLETIONS {
                stored = gate.store.answers().await;
                sleep(THINK).await;
            }
            let response = gate.hands_on(method, &url, headers, body).await;
            gate.is_answered(place);
            let response = gate.looks_at(response, &stored).await;
            if gate.does(place, Fault::KilledAfter) {
                gate.kills(process).await;
            }
            if gate.does(place, Fault::AnswerLost) { broken() } else { response }
        };
        host(Router::new().fallback(handle)).await
    }

    /// Where `commits.c` tells of a process's commits.
    pub async fn at_commits(self: &Arc<Self>, process: &'static str) -> String {
        let gate = self.clone();
        let handle = async move |Path(moment): Path<String>| {
            if moment == "before" {
                let place = gate.passes(format!("{process} {COMMIT}"));
                if gate.does(place, Fault::KilledBefore) {
                    gate.kills(process).await;
                }
            } else {
                let place = gate.last_commit();
                gate.is_answered(place);
                if gate.does(place, Fault::KilledAfter) {
                    gate.kills(process).await;
                }
            }
        };
        host(Router::new().route("/{moment}", post(handle))).await
    }

    /// Notes a passage; its place among all.
    fn passes(&self, name: String) -> usize {
        let mut state = self.state.lock().unwrap();
        let nth = 1 + state.passed.iter().filter(|(boundary, _)| boundary.name == name).count();
        state.passed.push((Boundary { name, nth }, false));
        state.passed.len() - 1
    }

    /// The commit that is under way. There is one at a time.
    fn last_commit(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.passed.iter().rposition(|(boundary, _)| boundary.name.ends_with(COMMIT)).unwrap()
    }

    fn is_answered(&self, place: usize) {
        self.state.lock().unwrap().passed[place].1 = true;
    }

    /// Whether this is to be done here, which it is once.
    fn does(&self, place: usize, what: Fault) -> bool {
        let mut state = self.state.lock().unwrap();
        let here = Some((state.passed[place].0.clone(), what));
        let is_it = state.fault == here;
        if is_it {
            state.fault = None;
        }
        is_it
    }

    /// SIGKILL; nobody is there any more to be answered.
    async fn kills(&self, process: &str) {
        loop {
            let pid = self.state.lock().unwrap().pids.get(process).copied();
            if let Some(pid) = pid {
                let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().await;
                assert!(killed.unwrap().success());
                return std::future::pending().await;
            }
            // It has only just been started.
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn hands_on(&self, method: Method, url: &str, mut headers: HeaderMap, body: Bytes) -> Response {
        for of_this_connection in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION] {
            headers.remove(of_this_connection);
        }
        // A stand-in that breaks off is broken off.
        let Ok(answer) = self.http.request(method, url).headers(headers).body(body).send().await else {
            return broken();
        };
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        answer.bytes().await.map_or_else(|_| broken(), |body| (status, headers, body).into_response())
    }

    /// Notes an answer of the model's that was among what was stored before it was asked.
    async fn looks_at(&self, response: Response, stored: &[String]) -> Response {
        if stored.is_empty() {
            return response;
        }
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let words = answer["choices"][0]["message"]["content"].as_str().unwrap_or_default();
        if stored.iter().any(|stored| stored == words) {
            self.state.lock().unwrap().paid_twice.push(words.to_owned());
        }
        Response::from_parts(parts, Body::from(body))
    }
}

/// What a request is called, in every run alike: without the ids in its path.
fn name(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(target) = headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let is_id = |part: &str| part.len() > 15 && part.bytes().any(|byte| byte.is_ascii_digit());
    let parts = uri.path().split('/').map(|part| if is_id(part) { "{id}" } else { part });
    format!("{method} {}", parts.collect::<Vec<_>>().join("/"))
}

/// A connection that breaks before a byte of the answer.
fn broken() -> Response {
    Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("broken on purpose"))]))
        .into_response()
}
