//! The contents of messages (LINE, "Get content"), such as the bytes of an image, and the preview images of images and
//! videos (LINE, "Get a preview image of the image or video"). After an unsend the answer is 410. An
//! audio or a video may have to be prepared first (LINE, "Verify the preparation status of a video or audio for
//! getting").

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::json;

use super::{
    error::error,
    ids::{message_id, request_id},
    state::{Content, Line, Preparation},
};
use crate::{lock::lock, respond::respond};

/// Returns the path of a message's content.
pub fn content_path(message: &str) -> String {
    format!("/v2/bot/message/{message}/content")
}

/// Returns the path of the preview image of a message's content.
pub fn preview_path(message: &str) -> String {
    content_path(message) + "/preview"
}

/// The preview image of every video: a grey point.
const VIDEO: &[u8] = include_bytes!("video.jpg");

impl Line {
    /// Stores these bytes as a message's content of this media type, and returns the id of the message.
    pub fn holds(&self, kind: &'static str, bytes: Bytes) -> String {
        let id = message_id();
        let mut memory = lock(&self.memory);
        let is_prepared = kind.starts_with("audio/") || kind.starts_with("video/");
        let prepared = if is_prepared { memory.prepares } else { Preparation::Done };
        memory.contents.insert(id.clone(), Content::Here(kind, bytes, prepared));
        id
    }

    /// Sets how audio and videos that are sent from now on are prepared.
    pub fn prepares(&self, preparation: Preparation) {
        lock(&self.memory).prepares = preparation;
    }

    /// Removes the length of a content from the answers, from now on.
    pub fn hides_lengths(&self) {
        lock(&self.memory).hides_lengths = true;
    }

    /// Deletes a message's content, as LINE does after a time.
    pub fn deletes_content(&self, message: &str) {
        lock(&self.memory).contents.remove(message);
    }

    /// Returns a message's content and its media type, for the page that shows it.
    pub fn content_of(&self, message: &str) -> Option<(&'static str, Bytes)> {
        match lock(&self.memory).contents.get(message)? {
            Content::Here(kind, bytes, _) => Some((*kind, bytes.clone())),
            Content::Unsent => None,
        }
    }

    /// Returns a content for a request, and counts the request if the preparation ends after a number of them.
    fn looked_for(&self, message: &str) -> Option<Content> {
        let mut memory = lock(&self.memory);
        let content = memory.contents.get_mut(message)?;
        let found = content.clone();
        if let Content::Here(_, _, prepared @ Preparation::After(_)) = content
            && let Preparation::After(looks) = *prepared
        {
            *prepared = if looks > 1 { Preparation::After(looks - 1) } else { Preparation::Done };
        }
        Some(found)
    }
}

fn not_found() -> Response {
    error(404, "not found", &[])
}

fn gone() -> Response {
    error(410, "The content is gone", &[])
}

pub(super) async fn content(State(line): State<Arc<Line>>, Path(id): Path<String>) -> Response {
    match line.looked_for(&id) {
        None => not_found(),
        Some(Content::Unsent) => gone(),
        Some(Content::Here(kind, bytes, Preparation::Done | Preparation::After(0))) => {
            let is_counted = !lock(&line.memory).hides_lengths;
            let body = if is_counted {
                Body::from(bytes)
            } else {
                Body::from_stream(stream::iter([Ok::<_, std::io::Error>(bytes)]))
            };
            let response = Response::builder().header("content-type", kind).body(body);
            response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        Some(Content::Here(..)) => respond(202, &[request_id()], String::new()),
    }
}

pub(super) async fn preview(State(line): State<Arc<Line>>, Path(id): Path<String>) -> Response {
    let image = |kind, bytes| ([("content-type", kind)], bytes).into_response();
    match line.looked_for(&id) {
        None => not_found(),
        Some(Content::Unsent) => gone(),
        Some(Content::Here(kind, ..)) if !kind.starts_with("image/") && !kind.starts_with("video/") => {
            not_found()
        }
        Some(Content::Here(kind, bytes, Preparation::Done | Preparation::After(0))) => {
            if kind.starts_with("video/") {
                image("image/jpeg", Bytes::from_static(VIDEO))
            } else {
                image(kind, bytes)
            }
        }
        Some(Content::Here(..)) => respond(202, &[request_id()], String::new()),
    }
}

pub(super) async fn transcoding(State(line): State<Arc<Line>>, Path(id): Path<String>) -> Response {
    let found = lock(&line.memory).contents.get(&id).cloned();
    match found {
        None => not_found(),
        Some(Content::Unsent) => gone(),
        Some(Content::Here(kind, ..)) if kind.starts_with("image/") => {
            error(400, "Transcoding status doesn't support this type of content", &[])
        }
        Some(Content::Here(_, _, prepared)) => {
            let status = match prepared {
                Preparation::Done => "succeeded",
                Preparation::After(_) => "processing",
                Preparation::Failed => "failed",
            };
            respond(200, &[request_id()], json!({ "status": status }).to_string())
        }
    }
}
