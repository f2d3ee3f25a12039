//! The bytes of a picture that somebody sent (LINE, "Get content"): until it is unsent, then 410.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    Line,
    error::{error, refused},
    lock,
};

/// What a message carries beside its JSON.
#[derive(Clone)]
pub(super) enum Content {
    /// Its bytes and their media type.
    Here(&'static str, Bytes),
    /// It was taken back.
    Unsent,
}

/// The media type of a picture, by its first bytes; `None` for anything that is no picture.
pub(super) fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

impl Line {
    /// The picture of a message, for the page that shows it.
    pub fn picture(&self, message: &str) -> Option<(&'static str, Bytes)> {
        match lock(&self.memory).contents.get(message)? {
            Content::Here(kind, bytes) => Some((*kind, bytes.clone())),
            Content::Unsent => None,
        }
    }
}

pub(super) async fn content(
    State(line): State<Arc<Line>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refused(&headers, None) {
        return refusal;
    }
    let found = lock(&line.memory).contents.get(&id).cloned();
    match found {
        None => error(404, "Not found", &[]),
        Some(Content::Unsent) => error(410, "The content is gone", &[]),
        Some(Content::Here(kind, bytes)) => {
            let response = Response::builder().header("content-type", kind).body(Body::from(bytes));
            response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
    }
}
