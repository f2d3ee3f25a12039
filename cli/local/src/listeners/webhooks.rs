//! The listener for webhooks of `serve` and `dev`. It answers three statuses that API Gateway answers on AWS (404, 405,
//! 413), and waits for a slow client only for a limited time.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header::CONTENT_LENGTH},
    routing::post,
};
use http_body_util::BodyExt;
use ingress::{accept::Ingress, signature};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// The path to which LINE posts its webhooks (docs/contract.md).
pub const WEBHOOK_PATH: &str = "/v1/line/bot/message/reply";
/// The largest webhook that is read, in bytes.
const BODY_MAX: usize = 2_000_000;
/// The time that a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes that are read and thrown away of a body that is too large.
const DISCARD_MAX: usize = 32 << 20;
/// The size into which a webhook with a few messages fits, in bytes.
const SMALL_BODY: usize = 16 << 10;
/// The most memory for larger bodies at once, in KiB, because unsigned strangers could fill the memory with them. Each
/// body takes only as much as it has sent, so that a client that sends little and slowly makes nobody wait.
static LARGE_BODIES_KIB: Semaphore = Semaphore::const_new(256 << 10);

/// Returns the route to the one path that can be reached from outside.
pub fn router(ingress: Arc<Ingress>) -> Router {
    Router::new().route(WEBHOOK_PATH, post(webhook).with_state(ingress))
}

async fn webhook(State(ingress): State<Arc<Ingress>>, headers: HeaderMap, request: Request) -> StatusCode {
    let body = match read(&headers, request.into_body()).await {
        Ok(body) => body,
        Err(status) => return status,
    };
    let signature = headers.get(signature::HEADER).map(axum::http::HeaderValue::as_bytes);
    let status = ingress.accept(signature, &body).await.status();
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn read(headers: &HeaderMap, mut body: Body) -> Result<Vec<u8>, StatusCode> {
    let length = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let mut bytes = Vec::new();
    let reading = async {
        let mut held: Option<SemaphorePermit<'_>> = None;
        let mut is_too_large = length.is_some_and(|length| length > BODY_MAX);
        while !is_too_large && let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
            let kib = bytes.len().saturating_sub(SMALL_BODY).div_ceil(1 << 10);
            let more = kib - held.as_ref().map_or(0, SemaphorePermit::num_permits);
            if let Ok(more @ 1..) = u32::try_from(more)
                && let Ok(more) = LARGE_BODIES_KIB.acquire_many(more).await
            {
                match &mut held {
                    Some(held) => held.merge(more),
                    None => held = Some(more),
                }
            }
            is_too_large = bytes.len() > BODY_MAX;
        }
        Ok::<bool, StatusCode>(is_too_large)
    };
    if timeout(BODY_TIMEOUT, reading).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?? {
        tokio::spawn(timeout(BODY_TIMEOUT, discard(body)));
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    Ok(bytes)
}

/// Reads the rest of a body and throws it away, so that a sender that is still writing can read the 413.
async fn discard(mut body: Body) {
    let mut left = DISCARD_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(size) else { return };
        left = rest;
    }
}
