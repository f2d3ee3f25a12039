//! The bot's address in `henji dev`: passes webhooks on to the pipeline, wherever it listens since its
//! last start, and lets the page know of those that come from elsewhere (`henji send`).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use ingress::signature;
use reqwest::Client;
use serde_json::json;

use super::{tell::tell_delivery, world::World};
use crate::{http::WEBHOOK_PATH, standin::line::webhook::Delivery};

/// Longer than the pipeline takes for any answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The pipeline's paths.
pub(super) fn router(world: Arc<World>, http: Client) -> Router {
    Router::new().route(WEBHOOK_PATH, post(webhook)).route("/healthz", get(healthz)).with_state((world, http))
}

async fn webhook(
    State((world, http)): State<(Arc<World>, Client)>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    // What LINE's secret did not sign, nobody said.
    let signature = headers.get(signature::HEADER).map(HeaderValue::as_bytes);
    let is_signed = signature.is_some_and(|it| signature::verify(&world.webhooks.secret, &body, it));
    let is_new = is_signed && world.overhears(&body).await;
    let (id, started) = (fastrand::u64(..1 << 53), Instant::now());
    if is_new {
        let signed = headers.get(signature::HEADER).and_then(|v| v.to_str().ok());
        let (body, headers) = (&String::from_utf8_lossy(&body), json!({ signature::HEADER: signed }));
        tell_delivery(&world.feed, Delivery::Sent { id, body, headers });
    }
    let status = pass_on(&world, &http, headers, body).await;
    if is_new {
        let took = started.elapsed();
        tell_delivery(&world.feed, Delivery::Ended { id, status: Ok(status.as_u16()), took });
    }
    status
}

async fn pass_on(world: &World, http: &Client, headers: HeaderMap, body: Bytes) -> StatusCode {
    let Some(addresses) = world.stages.addresses() else { return StatusCode::BAD_GATEWAY };
    let url = format!("http://{}{WEBHOOK_PATH}", addresses.webhooks);
    let mut request = http.post(url).timeout(TIMEOUT).body(body);
    if let Some(signature) = headers.get(signature::HEADER) {
        request = request.header(signature::HEADER, signature);
    }
    request.send().await.map_or(StatusCode::BAD_GATEWAY, |response| response.status())
}

/// The pipeline's own word, as from here only the pipeline's listener is reached.
async fn healthz(State((world, http)): State<(Arc<World>, Client)>) -> Response {
    let Some(addresses) = world.stages.addresses() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let asked = http.get(format!("http://{}/healthz", addresses.admin)).timeout(TIMEOUT).send().await;
    let Ok(response) = asked else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
