//! Spans for AWS X-Ray: each step of a stage is a subsegment, which is sent by UDP to the daemon that Lambda offers to
//! a traced function. A trace never fails or delays a turn: data that cannot be sent at once is dropped. Without the
//! daemon, or if the trace is not sampled, a step only does its work.
//!
//! The facts from AWS, and their consequences:
//! - A subsegment may be sent alone, as `"type": "subsegment"` with the `trace_id` and `parent_id` of its
//!   parent (X-Ray, "AWS X-Ray segment documents"), after the line `{"format": "json", "version": 1}`
//!   ("Sending trace data to AWS X-Ray").
//! - Lambda makes the function's own segment, which the header `Lambda-Runtime-Trace-Id` names (Lambda, "Building a
//!   custom runtime"): `Root` is the trace, `Parent` is the segment, and `Sampled=1` means that it is kept.
//! - An invocation by SQS has a trace of its own, which X-Ray links to the traces that the messages' `AWSTraceHeader`
//!   names ("Tracing event-driven applications"). So a turn belongs to the worker's segment, unless its message says
//!   that it is not sampled (X-Ray SDKs, "Oversampling Mitigation").

use std::{
    net::UdpSocket,
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio::task::futures::TaskLocalFuture;
use uuid::Uuid;

use crate::env::Env;

const HEADER: &str = r#"{"format": "json", "version": 1}"#;

tokio::task_local! {
    /// The place of the current task in its trace.
    static AT: At;
}

/// A place in a trace; `None` if nothing is traced.
pub type At = Option<Arc<Segment>>;

/// Work that has its place in a trace.
pub type Traced<F> = TaskLocalFuture<At, F>;

/// The X-Ray daemon, if there is one.
pub struct Daemon(Option<Arc<UdpSocket>>);

impl Daemon {
    /// Connects to the daemon at `AWS_XRAY_DAEMON_ADDRESS`. A daemon that cannot be reached counts as none.
    pub fn from_env(env: &Env) -> Self {
        let address = env.optional("AWS_XRAY_DAEMON_ADDRESS").ok().flatten();
        Self(address.and_then(|address| connected(address).ok()).map(Arc::new))
    }

    /// Runs `work` as a part of the segment that this header names.
    pub fn within<F: Future>(&self, header: Option<&str>, work: F) -> Traced<F> {
        let at = self.0.as_ref().zip(header.and_then(sampled)).map(|(daemon, (root, parent))| {
            Arc::new(Segment { daemon: daemon.clone(), trace: root.into(), id: parent.into(), own: None })
        });
        AT.scope(at, work)
    }
}

fn connected(address: &str) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Returns the trace and the parent, if this header says that they are sampled.
fn sampled(header: &str) -> Option<(&str, &str)> {
    (part(header, "Sampled")? == "1").then_some((root(header)?, part(header, "Parent")?))
}

/// Returns the trace that a header names.
pub fn root(header: &str) -> Option<&str> {
    part(header, "Root")
}

/// Returns one part of a header `Root=…;Parent=…;Sampled=…`.
fn part<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = header.split(';').filter_map(|part| part.trim().split_once('='));
    parts.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A part of a trace. It is sent when it ends.
pub struct Segment {
    daemon: Arc<UdpSocket>,
    trace: String,
    id: String,
    /// The document, if the segment is made by Henji and not by Lambda.
    own: Option<Mutex<Value>>,
}

impl Segment {
    fn child(&self, name: &str) -> Self {
        // X-Ray's ids have 64 bits.
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let id = format!("{:016x}", high ^ low);
        let own = json!({
            "type": "subsegment", "name": name, "id": id,
            "trace_id": self.trace, "parent_id": self.id, "start_time": now(),
        });
        Self { daemon: self.daemon.clone(), trace: self.trace.clone(), id, own: Some(Mutex::new(own)) }
    }
}

/// Ends the step and sends it when its work ends, also if the work is cancelled in the middle.
impl Drop for Segment {
    fn drop(&mut self) {
        let Some(own) = self.own.take() else { return };
        let mut own = own.into_inner().unwrap_or_else(PoisonError::into_inner);
        own["end_time"] = now().into();
        let _ = self.daemon.send(format!("{HEADER}\n{own}").as_bytes());
    }
}

/// Runs `work` as a step of the place where this is called.
pub fn step<F: Future>(name: &str, work: F) -> Traced<F> {
    AT.scope(here().map(|at| Arc::new(at.child(name))), work)
}

/// Runs `work` as the step of a message that came with this header. There is no step if the trace of its sender is not
/// sampled.
pub fn step_of<F: Future>(header: Option<&str>, name: &str, work: F) -> Traced<F> {
    let at = here().filter(|_| header.is_none_or(|header| sampled(header).is_some()));
    AT.scope(at.map(|at| Arc::new(at.child(name))), work)
}

/// Keeps the current place for `work`, which becomes a task of its own.
pub fn with_current_span<F: Future>(work: F) -> Traced<F> {
    AT.scope(here(), work)
}

/// Returns the header that passes on the current step.
pub fn header() -> Option<String> {
    here().map(|at| format!("Root={};Parent={};Sampled=1", at.trace, at.id))
}

/// Adds data to the current step's document, under X-Ray's names. Only identifiers and numbers may be added, never the
/// words of people or of the model.
pub fn annotate(add: impl FnOnce(&mut Value)) {
    if let Some(at) = here()
        && let Some(own) = &at.own
    {
        add(&mut own.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn here() -> At {
    AT.try_with(Clone::clone).ok().flatten()
}

/// Returns the seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "no decision depends on this time, as for log lines")]
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    const SAMPLED: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:2:3";

    /// Returns the documents that the daemon got while a step, and a step within it, were done under this header.
    async fn sent(header: Option<&str>, message: Option<&str>) -> Vec<Value> {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let daemon = Daemon(Some(Arc::new(connected(&socket.local_addr().unwrap().to_string()).unwrap())));
        let inner = async { annotate(|step| step["annotations"]["event"] = "01".into()) };
        let turn = async { step("model", inner).await };
        daemon.within(header, async { step_of(message, "turn", turn).await }).await;
        // On the loopback interface a datagram has arrived when the call that sends it returns.
        socket.set_nonblocking(true).unwrap();
        let mut bytes = [0; 4096];
        std::iter::from_fn(|| socket.recv(&mut bytes).ok().map(|length| bytes[..length].to_vec()))
            .map(|sent| {
                let sent = String::from_utf8(sent).unwrap();
                serde_json::from_str(sent.strip_prefix(HEADER).unwrap()).unwrap()
            })
            .collect()
    }

    #[tokio::test]
    async fn steps_hang_on_the_segment_that_lambda_made_and_on_each_other() {
        let sent = sent(Some(SAMPLED), None).await;
        let [model, turn] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!((&turn["name"], &turn["parent_id"]), (&json!("turn"), &json!("53995c3f42cd8ad8")));
        assert_eq!((&model["name"], &model["parent_id"]), (&json!("model"), &turn["id"]));
        assert_eq!(model["annotations"], json!({ "event": "01" }));
        for step in [model, turn] {
            assert_eq!(step["trace_id"], "1-5759e988-bd862e3fe1be46a994272793");
            assert_eq!(step["type"], "subsegment");
            assert_eq!(step["id"].as_str().unwrap().len(), 16);
            assert!(step["start_time"].as_f64() <= step["end_time"].as_f64());
        }
    }

    #[tokio::test]
    async fn nothing_is_sent_of_what_is_not_sampled() {
        let unsampled = SAMPLED.replace("Sampled=1", "Sampled=0");
        for header in [None, Some(unsampled.as_str()), Some("Root=1-2;Sampled=1"), Some("nonsense")] {
            assert!(sent(header, None).await.is_empty(), "{header:?}");
        }
        assert!(sent(Some(SAMPLED), Some(&unsampled)).await.is_empty());
        assert_eq!(sent(Some(SAMPLED), Some(SAMPLED)).await.len(), 2);
    }
}
