#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    cell::RefCell,
    future::pending,
    io::{self, Write},
    sync::{Mutex, Once},
};

use async_trait::async_trait;
use shared::event::COUNTED_ONLY;

use super::*;
use crate::queue::QueueError;

/// A queue in memory, with its answer to each call.
struct Queue {
    answer: Answer,
    taken: Mutex<Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Takes,
    Fails,
    Never,
}

#[async_trait]
impl JobQueue for Queue {
    async fn send(&self, jobs: &[Job]) -> Result<(), QueueError> {
        match self.answer {
            Answer::Takes => {
                self.taken.lock().unwrap().extend(jobs.iter().map(|job| job.event_id.to_string()));
                Ok(())
            }
            Answer::Fails => Err(QueueError { jobs: jobs.len(), source: "the disk is full".into() }),
            Answer::Never => pending().await,
        }
    }
}

const SECRET: &str = "the channel's secret";

thread_local! {
    /// The log of a test, which has a thread of its own.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(vec![]) };
}

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns an ingress that logs, with a queue that gives this answer.
fn ingress(answer: Answer) -> (Ingress, Arc<Queue>) {
    // One subscriber serves all tests: if a test without a subscriber reaches a log line first, `tracing` remembers
    // that nobody wants this line.
    static LOGS: Once = Once::new();
    LOGS.call_once(|| tracing_subscriber::fmt().compact().without_time().with_writer(|| Log).init());
    let queue = Arc::new(Queue { answer, taken: Mutex::default() });
    // A test waits for the whole budget only if the queue never answers.
    let budget = if answer == Answer::Never { Duration::from_millis(20) } else { Duration::from_mins(1) };
    let ingress = Ingress {
        secret: Secret::fixed(SECRET.into()),
        queue: queue.clone(),
        budget,
        group_prefix: None,
        clock: Arc::new(|| 1_800_000_000_000),
        refused: LimitedLog::new(),
    };
    (ingress, queue)
}

fn signature(secret: &str, body: &str) -> Vec<u8> {
    signature::sign(&secret.into(), body.as_bytes()).into_bytes()
}

fn webhook(events: &[String]) -> String {
    format!(r#"{{"events":[{}]}}"#, events.join(","))
}

fn question(id: &str, text: &str) -> String {
    format!(
        r#"{{"type":"message","webhookEventId":"{id}","source":{{"type":"user","userId":"U1"}},"message":{{"type":"text","id":"m{id}","text":"{text}"}}}}"#
    )
}

#[tokio::test]
async fn line_is_told_200_only_once_the_queue_has_every_job_and_strangers_reach_no_queue() {
    let two = webhook(&[question("e1", "hi"), question("e2", "there")]);
    let large = webhook(&[question("e1", &"a".repeat(LARGE))]);
    let none = webhook(&[]);
    let skipped = webhook(&[r#"{"type":"beacon"}"#.to_owned()]);
    for (body, secret, answer, status, queued) in [
        (two.as_str(), Some(SECRET), Answer::Takes, 200, &["e1", "e2"][..]),
        (&large, Some(SECRET), Answer::Takes, 200, &["e1"]),
        (&two, Some(SECRET), Answer::Fails, 503, &[]),
        (&two, Some(SECRET), Answer::Never, 503, &[]),
        (&two, Some("another's secret"), Answer::Takes, 401, &[]),
        (&two, None, Answer::Takes, 401, &[]),
        // The queue is not called without a job.
        (&none, Some(SECRET), Answer::Fails, 200, &[]),
        (&skipped, Some(SECRET), Answer::Never, 200, &[]),
        ("[]", Some(SECRET), Answer::Takes, 400, &[]),
        ("[]", None, Answer::Takes, 401, &[]),
    ] {
        let (ingress, queue) = ingress(answer);
        let signature = secret.map(|secret| signature(secret, body));
        let accepted = ingress.accept(signature.as_deref(), body.as_bytes()).await;
        let start = &body[..body.len().min(60)];
        assert_eq!(accepted.status(), status, "{answer:?} {secret:?} {start}");
        assert_eq!(*queue.taken.lock().unwrap(), queued, "{answer:?} {secret:?} {start}");
    }
}

/// Returns the lines of the log, and the lines that are only counted, after these webhooks, each with its secret.
async fn logged(webhooks: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let (ingress, _) = ingress(Answer::Takes);
    for (body, secret) in webhooks {
        ingress.accept(Some(&signature(secret, body)), body.as_bytes()).await;
    }
    let log = String::from_utf8(LOG.take()).unwrap();
    // The duration is removed, because it is different each time.
    let lines = log.lines().map(|line| line.split(" ack_ms=").next().unwrap_or_default().trim().to_owned());
    let (counted, lines): (Vec<_>, Vec<_>) = lines.partition(|line: &String| line.contains(COUNTED_ONLY));
    (lines, counted)
}

#[tokio::test]
async fn the_log_names_each_job_and_how_many_events_are_skipped_for_which_reason() {
    let beacon = || r#"{"type":"beacon"}"#.to_owned();
    let odd = || "1".to_owned();
    let body = webhook(&[beacon(), odd(), question("e1", "hi"), beacon(), odd(), odd()]);
    let (lines, _) = logged(&[(&body, SECRET)]).await;
    assert_eq!(
        lines,
        [
            r#"INFO ingress::accept: events need no job kind="events_skipped" reason="an event of a kind that needs no answer" events=2"#,
            r#"WARN ingress::accept: events are not as LINE documents them kind="odd_events_skipped" reason="the event is not an object" events=3"#,
            r#"INFO ingress::accept: the event is accepted kind="accepted" event=e1 conversation=U1"#,
            r#"INFO ingress::accept: the webhook is answered kind="webhook" status=200"#,
        ]
    );
}

#[tokio::test]
async fn strangers_fill_no_log_and_each_is_counted() {
    let body = webhook(&[question("e1", "hi")]);
    let (lines, counted) = logged(&[(&body, "a guess"), (&body, "another guess")]).await;
    assert_eq!(
        lines,
        [
            r#"WARN ingress::accept: webhooks were refused: their signature is missing or wrong kind="signatures_refused" signed=true times=1"#
        ]
    );
    let counted = |what: &str| counted.iter().filter(|line| line.contains(what)).count();
    assert_eq!((counted(r#"kind="signature_refused""#), counted(r#"kind="webhook" status=401"#)), (2, 2));
}

#[tokio::test]
async fn a_webhook_of_too_many_events_fills_no_log_and_each_is_counted() {
    let events: Vec<_> = (0..LOGGED_MAX + 2).map(|n| question(&format!("e{n}"), "hi")).collect();
    let (lines, counted) = logged(&[(&webhook(&events), SECRET)]).await;
    let [.., last, more, status] = &lines[..] else { unreachable!("a line for each job") };
    assert_eq!(lines.len(), LOGGED_MAX + 2);
    assert_eq!(
        last,
        r#"INFO ingress::accept: the event is accepted kind="accepted" event=e999 conversation=U1"#
    );
    assert_eq!(
        more,
        r#"INFO ingress::accept: more events are accepted than lines are written kind="accepted_more" jobs=2"#
    );
    assert_eq!(status, r#"INFO ingress::accept: the webhook is answered kind="webhook" status=200"#);
    assert_eq!(counted.len(), 2);
}
