//! The page and the paths that it calls: its files, the feed, steps, contents, and the saved conversation. The files
//! are compiled into the program; the page loads nothing from elsewhere.

use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State, rejection::JsonRejection},
    http::{
        HeaderMap, StatusCode,
        header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    },
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::{get, post},
};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::json;

use crate::{
    lock::lock,
    simulation::{self, Conversation, Simulation, Step},
};

pub(crate) mod guard;
pub(crate) mod traffic_log;

/// The largest step, in bytes. The page makes an image smaller before it sends it, but sends any other file unchanged.
const STEP_MAX: usize = 32 << 20;
/// The largest saved conversation, in bytes: it may contain several files.
const REPLAY_MAX: usize = 256 << 20;
/// The interval of signals that keep a silent connection open, and detect a closed one.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

macro_rules! files {
    ($($path:literal $kind:literal $file:literal),* $(,)?) => {
        &[$(($path, $kind, include_str!(concat!("../page/", $file)))),*]
    };
}

/// The page's files: path, media type, text.
const FILES: &[(&str, &str, &str)] = files![
    "/" "text/html" "index.html",
    "/page/icon.svg" "image/svg+xml" "icon.svg",
    "/page/chat.css" "text/css" "chat.css",
    "/page/pipeline.css" "text/css" "pipeline.css",
    "/page/style.css" "text/css" "style.css",
    "/page/bubble.js" "text/javascript" "bubble.js",
    "/page/chat.js" "text/javascript" "chat.js",
    "/page/composer.js" "text/javascript" "composer.js",
    "/page/dom.js" "text/javascript" "dom.js",
    "/page/i18n.js" "text/javascript" "i18n.js",
    "/page/knobs.js" "text/javascript" "knobs.js",
    "/page/main.js" "text/javascript" "main.js",
    "/page/pipeline.js" "text/javascript" "pipeline.js",
    "/page/state.js" "text/javascript" "state.js",
    "/page/turns.js" "text/javascript" "turns.js",
    "/page/wire.js" "text/javascript" "wire.js",
];

/// Returns the router of the page's paths.
pub(crate) fn router(simulation: Arc<Simulation>) -> Router {
    let mut router = Router::new()
        .route("/dev/events", get(events))
        .route("/dev/steps", post(step).layer(DefaultBodyLimit::max(STEP_MAX)))
        .route("/dev/conversation", get(conversation))
        .route("/dev/replay", post(replay).layer(DefaultBodyLimit::max(REPLAY_MAX)))
        .route("/dev/contents/{id}", get(content));
    for (path, kind, text) in FILES {
        let file = move || async move { ([(CONTENT_TYPE, format!("{kind}; charset=utf-8"))], *text) };
        router = router.route(path, get(file));
    }
    router.with_state(simulation)
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: String,
}

/// Streams the entries of the feed that the page does not have yet. A browser that reconnects by itself names its last
/// entry in a header.
async fn events(
    State(simulation): State<Arc<Simulation>>,
    Query(After { after }): Query<After>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let last = headers.get("last-event-id").and_then(|v| v.to_str().ok()).or(Some(after.as_str()));
    Sse::new(simulation.feed.clone().stream(last)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

async fn step(
    State(simulation): State<Arc<Simulation>>,
    step: Result<Json<Step>, JsonRejection>,
) -> Response {
    match step {
        Err(rejection) => refuse(&rejection.body_text()),
        Ok(Json(step)) => match simulation.apply(step).await {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(why) => refuse(why),
        },
    }
}

async fn conversation(State(simulation): State<Arc<Simulation>>) -> impl IntoResponse {
    let saved = lock(&simulation.recording).saved();
    let text = serde_json::to_string_pretty(&saved).unwrap_or_default();
    let name = "attachment; filename=\"henji-conversation.json\"";
    ([(CONTENT_TYPE, "application/json"), (CONTENT_DISPOSITION, name)], text)
}

async fn replay(State(simulation): State<Arc<Simulation>>, text: String) -> Response {
    match Conversation::parse(&text) {
        Ok(_) if simulation.is_replaying.load(Relaxed) => refuse("a conversation is being replayed already"),
        Ok(conversation) => {
            tokio::spawn(simulation::replay(conversation, simulation));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(why) => refuse(&format!("{why:#}")),
    }
}

fn refuse(why: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "message": why }))).into_response()
}

async fn content(State(simulation): State<Arc<Simulation>>, Path(id): Path<String>) -> Response {
    match simulation.line.content_of(&id) {
        Some((kind, bytes)) => ([(CONTENT_TYPE, kind)], bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
