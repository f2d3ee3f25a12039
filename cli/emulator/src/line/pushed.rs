//! The pushes with a retry key, for `henji send`. This is not part of LINE.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::json;

use super::state::{Line, Sent};
use crate::respond::respond;

/// The path of this call, without the retry key.
pub const PUSHED: &str = "/standin/pushes";

/// The time that a request waits for a push.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Returns the texts that were pushed with a retry key, as soon as there are any.
pub(super) async fn pushed(State(line): State<Arc<Line>>, Path(key): Path<String>) -> Response {
    let mut sent = line.watch();
    let mine = |all: &Vec<Sent>| all.iter().any(|sent| sent.retry_key.as_deref() == Some(&key));
    let found = tokio::time::timeout(LONG_POLL, sent.wait_for(mine)).await;
    let texts = match &found {
        Ok(Ok(all)) => {
            all.iter().find(|sent| sent.retry_key.as_deref() == Some(&key)).map(|sent| &sent.texts)
        }
        _ => None,
    };
    respond(200, &[], json!({ "texts": texts }).to_string())
}
