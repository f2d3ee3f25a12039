//! The gate between a pipeline and everything outside of it. It records each request and each commit that passes, and
//! applies the fault to one of them.

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
use crate::harness::local::host;

/// The time that the model takes: parallel steps end meanwhile, in the same way in every run.
const THINK: Duration = Duration::from_millis(100);

/// The proxy that sees a pipeline's boundaries and applies the fault.
pub struct Gate {
    http: Client,
    store: Store,
    record: Mutex<Record>,
    /// The process ids, for kills.
    pids: Mutex<HashMap<&'static str, u32>>,
    /// Answers of a paid call that were already stored before the call.
    paid_twice: Mutex<Vec<String>>,
}

impl Gate {
    /// Makes a gate that applies this fault, and reads this store.
    pub fn new(store: Store, fault: Option<(Boundary, Fault)>) -> Arc<Self> {
        let http = worker::adapters::http::client().unwrap();
        let (pids, paid_twice) = (Mutex::default(), Mutex::default());
        Arc::new(Self { http, store, record: Mutex::new(Record::new(fault)), pids, paid_twice })
    }

    /// Notes the process id for this name.
    pub fn knows(&self, process: &'static str, pid: u32) {
        self.pids.lock().unwrap().insert(process, pid);
    }

    /// Runs this command under that name to its end; returns whether it succeeded.
    pub async fn runs(&self, process: &'static str, command: &mut Command) -> bool {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.kill_on_drop(true).spawn().unwrap();
        self.knows(process, child.id().unwrap());
        let ended = child.wait_with_output().await.unwrap();
        print!("{}", String::from_utf8_lossy(&ended.stderr));
        ended.status.success()
    }

    /// Returns the record of passages.
    pub fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap()
    }

    /// Returns the answers of a paid call that were already stored before the call.
    pub fn paid_twice(&self) -> Vec<String> {
        self.paid_twice.lock().unwrap().clone()
    }

    /// Returns the address at which a process reaches the server at `origin`.
    pub async fn before(self: &Arc<Self>, process: &'static str, origin: String) -> String {
        let gate = self.clone();
        let handle = async move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let url = format!("{origin}{uri}");
            // A wait for work has no effect on anything.
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

    /// Returns the address to which `commits.c` reports the commits of a process.
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

    /// Kills the process here if the fault says so.
    async fn kills_if(&self, fault: Fault, place: usize, process: &str) {
        if !self.record().does(place, fault) {
            return;
        }
        loop {
            let pid = self.pids.lock().unwrap().get(process).copied();
            if let Some(pid) = pid {
                let killed = Command::new("kill").args(["-KILL", &pid.to_string()]).status().await;
                assert!(killed.unwrap().success());
                // The process is gone, so the request needs no answer.
                return pending().await;
            }
            // The process has only just been started.
            sleep(Duration::from_millis(1)).await;
        }
    }

    async fn hands_on(&self, method: Method, url: &str, mut headers: HeaderMap, body: Bytes) -> Response {
        for of_this_connection in [header::HOST, header::CONTENT_LENGTH, header::CONNECTION] {
            headers.remove(of_this_connection);
        }
        // If the emulator breaks the connection, the gate does so, too.
        let Ok(answer) = self.http.request(method, url).headers(headers).body(body).send().await else {
            return broken();
        };
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        headers.remove(header::TRANSFER_ENCODING);
        answer.bytes().await.map_or_else(|_| broken(), |body| (status, headers, body).into_response())
    }

    /// Notes an answer of the model that was already stored before the call.
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

/// Names a request, equally in every run: without the ids in its path.
fn name(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    if let Some(target) = headers.get("x-amz-target").and_then(|target| target.to_str().ok()) {
        return target.rsplit('.').next().unwrap_or_default().to_owned();
    }
    let is_id = |part: &str| part.len() > 15 && part.bytes().any(|byte| byte.is_ascii_digit());
    let parts = uri.path().split('/').map(|part| if is_id(part) { "{id}" } else { part });
    format!("{method} {}", parts.collect::<Vec<_>>().join("/"))
}

/// Makes a response whose connection breaks before its first byte.
fn broken() -> Response {
    Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::other("broken on purpose"))]))
        .into_response()
}
