//! The webhook: each event is judged as if it were alone, and a job can pass any queue.

use std::collections::HashSet;

use ingress::webhook::{Verdict, parse};
use serde_json::value::RawValue;
use shared::{env::Env, job::Job, prefix::Prefix};

const NOW: i64 = 1_767_225_600_000;

/// Checks a body as LINE posts it; returns whether a job comes of it.
pub fn holds(body: &[u8]) -> bool {
    let called = Env::of([("GROUP_PREFIX".to_owned(), "bot".to_owned())]);
    let prefix = Prefix::from_env(&called).unwrap();
    let Ok(verdicts) = parse(body, prefix.as_ref(), NOW) else { return false };
    let mut alone = vec![];
    for event in events(body) {
        let body = format!("{{\"events\":[{event}]}}");
        let of_event = parse(body.as_bytes(), prefix.as_ref(), NOW).unwrap();
        let jobs: Vec<&Job> = of_event.iter().filter_map(job_of).collect();
        let ids: HashSet<_> = jobs.iter().map(|job| &job.event_id).collect();
        assert!(!of_event.is_empty() && jobs.len() <= 2 && ids.len() == jobs.len(), "{of_event:?}");
        alone.extend(of_event);
    }
    assert_eq!(verdicts, alone, "neighbours change what becomes of an event");
    verdicts.iter().filter_map(job_of).for_each(crosses_the_queue);
    verdicts.iter().any(|verdict| job_of(verdict).is_some())
}

/// Returns the events of an object: an array is no webhook.
fn events(body: &[u8]) -> Vec<&RawValue> {
    #[derive(serde::Deserialize)]
    struct Webhook<'a> {
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
    }
    serde_json::from_slice::<Webhook<'_>>(body).unwrap().events
}

fn job_of(verdict: &Verdict) -> Option<&Job> {
    if let Verdict::Job(job) = verdict { Some(job) } else { None }
}

/// Asserts that a job is the same after the queue. SQS specifies the characters, ids and groups that it takes (AWS,
/// `SendMessage`).
pub(crate) fn crosses_the_queue(job: &Job) {
    let body = job.encode();
    assert!(body.chars().all(|c| c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}'), "{body}");
    for id in [job.group().as_str(), job.event_id.as_str()] {
        assert!((1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()), "{id}");
    }
    assert_eq!(&Job::decode(&body).unwrap(), job);
}
