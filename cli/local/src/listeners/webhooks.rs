//! The listener for webhooks, of `serve` and `dev`: three statuses that are API Gateway's part on AWS (404, 405,
//! 413), and patience that a slow client cannot use up.

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
/// The largest webhook that is read.
const BODY_MAX: usize = 2_000_000;
/// How long a client may take over its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of a body that is too large is read and thrown away.
const DISCARD_MAX: usize = 32 << 20;
/// What a webhook of a few messages fits into.
const SMALL_BODY: usize = 16 << 10;
/// How much of larger bodies is held at once, in KiB: unsigned strangers could fill the memory with them. Each takes
/// of it what it has sent, so that who sends little and slowly keeps nobody waiting.
static LARGE_BODIES_KIB: Semaphore = Semaphore::const_new(256 << 10);

/// The one path that the world may reach.
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

/// Reads on and throws away, so that a sender who is still writing gets to read the 413.
async fn discard(mut body: Body) {
    let mut left = DISCARD_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let size = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(size) else { return };
        left = rest;
    }
}
