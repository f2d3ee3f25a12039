//! The log of the bot's calls to LINE and to the model, for the page: method, path, headers and body of every call and
//! of its answer. It does not change them. It masks credentials before anything goes to the feed.

use std::{sync::Arc, time::Instant};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};

use crate::feed::Feed;

/// The largest body that is logged, in bytes; the bot sends and accepts less.
const BODY_MAX: usize = 64 << 20;
/// The longest base64 text that is shown, in characters.
const BASE64_MAX: usize = 100;

/// A call that is logged. Its end is reported in every case, also when the caller has gone and this value is dropped.
struct Call {
    feed: Arc<Feed>,
    id: u64,
    started: Instant,
    is_told: bool,
}

impl Call {
    fn ends(&mut self, mut how: Value) {
        how["id"] = self.id.into();
        how["ms"] = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX).into();
        self.feed.tell("call_end", how);
        self.is_told = true;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_told {
            self.ends(json!({ "broken": "abandoned" }));
        }
    }
}

/// Passes a call on, and reports it and its answer to the feed.
pub(crate) async fn listen(State(feed): State<Arc<Feed>>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut call = Call { feed, id: fastrand::u64(..1 << 53), started: Instant::now(), is_told: false };
    call.feed.tell(
        "call",
        json!({
            "id": call.id,
            "method": head.method.as_str(),
            "path": head.uri.path(),
            "headers": masked(&head.headers),
            "body": shown(&head.headers, &body),
        }),
    );
    let response = next.run(Request::from_parts(head, Body::from(body))).await;
    let (head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, BODY_MAX).await else {
        call.ends(json!({ "broken": "connection" }));
        let cut =
            stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("broken on purpose"))]);
        return Response::from_parts(head, Body::from_stream(cut));
    };
    call.ends(json!({
        "status": head.status.as_u16(),
        "headers": masked(&head.headers),
        "body": shown(&head.headers, &body),
    }));
    Response::from_parts(head, Body::from(body))
}

/// Returns a body as readable text. A body that is not JSON, and an image inside the text, is replaced by its size.
fn shown(headers: &HeaderMap, body: &Bytes) -> String {
    const PICTURE: &str = ";base64,";
    let kind = headers.get("content-type").map(|kind| String::from_utf8_lossy(kind.as_bytes()));
    if !body.is_empty() && kind.is_some_and(|kind| !kind.starts_with("application/json")) {
        return format!("{} bytes", body.len());
    }
    let text = String::from_utf8_lossy(body);
    let mut parts = text.split(PICTURE);
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find('"').unwrap_or(part.len());
        let picture = if end > BASE64_MAX { &format!("… ({end} characters)") } else { &part[..end] };
        shown.extend([PICTURE, picture, &part[end..]]);
    }
    shown
}

/// Returns the headers, with credentials masked.
fn masked(headers: &HeaderMap) -> Value {
    let shown = headers.iter().map(|(name, value)| {
        let value = match name.as_str() {
            "authorization" => "Bearer ••••••••".to_owned(),
            _ => String::from_utf8_lossy(value.as_bytes()).into_owned(),
        };
        (name.to_string(), Value::from(value))
    });
    Value::Object(shown.collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn what_is_no_text_is_counted_and_so_is_a_picture_within_a_prompt() {
        let shown = |kind: &'static str, body: &str| {
            let headers = [("content-type".parse().unwrap(), kind.parse().unwrap())].into_iter().collect();
            super::shown(&headers, &Bytes::copy_from_slice(body.as_bytes()))
        };
        let picture = "A".repeat(1_000);
        let prompt = format!(r#"[{{"url":"data:image/png;base64,{picture}"}},"a;base64,b","{picture}"]"#);
        let expected =
            format!(r#"[{{"url":"data:image/png;base64,… (1000 characters)"}},"a;base64,b","{picture}"]"#);
        assert_eq!(shown("application/json", &prompt), expected);
        assert_eq!(shown("application/json; charset=utf-8", "{}"), "{}");
        assert_eq!(shown("multipart/form-data; boundary=b", &picture), "1000 bytes");
        assert_eq!(shown("audio/wav", "RIFF"), "4 bytes");
        assert_eq!(super::shown(&HeaderMap::new(), &Bytes::new()), "");
    }
}
