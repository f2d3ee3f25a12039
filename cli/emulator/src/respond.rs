//! The two ways in which a server ends a request: with a response, or with a broken connection.

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use futures_util::stream;

/// Makes a JSON response.
pub(crate) fn respond(status: u16, headers: &[(&'static str, String)], body: String) -> Response {
    let mut response = Response::builder().status(status).header("content-type", "application/json");
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    response.body(Body::from(body)).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Makes a response that announces a hundred bytes and breaks after the first.
pub(crate) fn broken() -> Response {
    let chunks = [Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("reset on purpose"))];
    let body = Body::from_stream(stream::iter(chunks));
    let response = Response::builder().header("content-length", "100").body(body);
    response.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}
