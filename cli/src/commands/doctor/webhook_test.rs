//! The last webhook test that passed. LINE allows 60 of them an hour, so the doctor notes it in a small file: in the data
//! directory, or for a deployment in the current folder, as `henji-audit.jsonl`.

use std::{fs, path::PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::deployment::Place;

/// The name of the file.
const FILE: &str = "henji-webhook-test.json";
/// The time for which no other test is run.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

#[derive(Serialize, Deserialize)]
struct Passed {
    endpoint: String,
    at: Timestamp,
}

/// Returns how many minutes ago a test of this address passed, if that was within the hour.
pub(super) fn minutes_since(place: &Place, endpoint: &str, now: Timestamp) -> Option<i64> {
    let passed: Passed = serde_json::from_slice(&fs::read(path(place)).ok()?).ok()?;
    let ago = now.duration_since(passed.at);
    let is_recent = !ago.is_negative() && ago < KEPT && passed.endpoint == endpoint;
    is_recent.then(|| ago.as_mins())
}

/// Notes a test that passed. Without the note the next one is only run too early.
pub(super) fn note(place: &Place, endpoint: &str, now: Timestamp) {
    let passed = Passed { endpoint: endpoint.to_owned(), at: now };
    let _ = serde_json::to_vec(&passed).map(|json| fs::write(path(place), json));
}

fn path(place: &Place) -> PathBuf {
    match place {
        Place::Data(data) => data.join(FILE),
        #[cfg(feature = "aws")]
        Place::Aws(_) => FILE.into(),
    }
}
