//! The gate between a pipeline and all that is outside of it. It writes down what passes, each request and
//! each commit, and does harm to one of them.

use std::{
    collections::HashMap,
    future::pending,
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard},
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
use emulator::model::COMPLETIONS;
use futures_util::stream;
use reqwest::Client;
use serde_json::Value;
use tokio::{process::Command, time::sleep};

use super::{
    record::{Boundary, Fault, Record},
    store::Store,
};
use crate::bot::host;

/// How long the model thinks: what is done beside it comes to its end meanwhile, in every run alike.
const THINK: Duration = Duration::from_millis(100);

/// Whose boundaries it sees, and what becomes of them.
pub struct Gate {
    http: Client,
    store: Store,
    record: Mutex<Record>,
    /// Who is to be killed.
    pids: Mutex<HashMap<&'static str, u32>>,
    /// Answers that were paid for although they were stored before.
    paid_twice: Mutex<Vec<String>>,
}

impl Gate {
    /// One that does this, and looks into this store.
    pub fn new(store: Store, fault: Option<(Boundary, Fault)>) -> Arc<Self> {
        let http = worker::adapters::http::client().unwrap();
        let (pids, paid_twice) = (Mutex::default(), Mutex::default());
        Arc::new(Self { http, store, record: Mutex::new(Record::new(fault)), pids, paid_twice })
    }

    /// A process runs by this name.
    pub fn knows(&self, process: &'static str, pid: u32) {
        self.pids.lock().unwrap().insert(process, pid);
    }

    /// Runs this under that name to its end; whether that was a good one.
    pub async fn runs(&self, process: &'static str, command: &mut Command) -> bool {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.kill_on_drop(true).spawn().unwrap();
        self.knows(process, child.id().unwrap());
        let ended = child.wait_with_output().await.unwrap();
        print!("{}", String::from_utf8_lossy(&ended.stderr));
        ended.status.success()
    }

    /// What passed.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    /// Answers that were paid for although they were stored before.
    pub fn paid_twice(&self) -> Vec<String> {
        self.paid_twice.lock().unwrap().clone()
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
            let place = gate.record().passes(format!("{process} {}", name(&method, &uri, &headers)));
            gate.kills_if(Fault::KilledBefore, place, process).await;
            let mut stored = vec![];
            if uri.path() == COMPLETIONS {
                stored = gate.store.answers().await;
                sleep(THINK).await;
            }
            let response = gate.hands_on(method, &url, headers, body).await;
            gate.record().is_answered(place);
            let response = gate.looks_at(response, &stored).await;
            gate.kills_if(Fault::KilledAfter, place, process).await;
            if gate.record().does(place, Fault::AnswerLost) { broken() } else { response }
        };
        host(Router::new().fallback(handle)).await
    }

    /// Where `commits.c` tells of a process's commits.
    pub async fn at_commits(self: &Arc<Self>, process: &'static str) -> String {
        let gate = self.clone();
        let handle = async move |Path(moment): Path<String>| {
            if moment == "before" {
                let place = gate.record().commits(process);
                gate.kills_if(Fault::KilledBefore, place, process).await;
            } else {
                let place = gate.record().last_commit();
                gate.record().is_answered(place);
                gate.kills_if(Fault::KilledAfter, place, process).await;
            }
        };
        host(Router::new().route("/{moment}", post(handle))).await
    }

    /// Does this here, if it is to be.
    async fn kills_if(&self, fault: Fault, place: usize, process: &str) {
        if !self.record().does(place, fault) {
            return;
        }
        loop {
            let pid = self.pids.lock().unwrap().get(process).copied();
            if let Some(pid) = pid {
                let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().await;
                assert!(killed.unwrap().success());
                // Nobody is there any more to be answered.
                return pending().await;
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
            self.paid_twice.lock().unwrap().push(words.to_owned());
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
