//! The messages that the bot sent for an event, for `henji send`. This is not part of LINE.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::simulation::Simulation;

/// The path of this call. Its query `ids` names the retry keys of an event and its reply token, with commas between them.
pub const SENT: &str = "/dev/sent";

/// The time that a request waits for a message.
const LONG_POLL: Duration = Duration::from_secs(20);
/// The pause before the queue is read again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[derive(Deserialize)]
struct Ids {
    ids: String,
}

/// Returns the router of this call.
pub(crate) fn router(simulation: Arc<Simulation>) -> Router {
    Router::new().route(SENT, get(sent)).with_state(simulation)
}

/// Returns the texts that were sent for an event; null if more time is needed. They are complete with a push, or once the
/// bot is idle: a reply alone may be the notice that the answer takes longer.
async fn sent(State(simulation): State<Arc<Simulation>>, Query(Ids { ids }): Query<Ids>) -> Json<Value> {
    let is_one = |id: &str| ids.split(',').any(|one| one == id);
    let (mut sent, end) = (simulation.line.watch(), Instant::now() + LONG_POLL);
    loop {
        let is_idle = simulation.is_idle().await;
        let (mut texts, mut is_pushed) = (vec![], false);
        for sent in sent.borrow_and_update().iter() {
            let is_push = sent.retry_key.as_deref().is_some_and(is_one);
            if is_push || sent.retry_key.is_none() && is_one(&sent.to) {
                texts.extend_from_slice(&sent.texts);
                is_pushed |= is_push;
            }
        }
        if is_idle || is_pushed {
            return Json(json!({ "texts": texts }));
        }
        if Instant::now() >= end {
            return Json(json!({ "texts": Some(texts).filter(|texts| !texts.is_empty()) }));
        }
        let _ = timeout(LOOK_AGAIN, sent.changed()).await;
    }
}
