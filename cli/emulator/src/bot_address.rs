//! The bot's public address. It passes webhooks on to the pipeline, whose port changes with each start, and reports
//! webhooks from other senders (`henji send`) to the page.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use reqwest::Client;
use serde_json::json;

use crate::{
    line::{SIGNATURE, is_signed, webhook::Delivery},
    simulation::{Simulation, entries::publish_delivery},
};

/// The time-out of a request to the pipeline, longer than the pipeline needs for any answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the router of the pipeline's paths.
pub(crate) fn router(simulation: Arc<Simulation>, webhook_path: &str, http: Client) -> Router {
    Router::new()
        .route(webhook_path, post(webhook))
        .route("/healthz", get(healthz))
        .with_state((simulation, http))
}

async fn webhook(
    State((simulation, http)): State<(Arc<Simulation>, Client)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    // A webhook that was not signed with the channel secret is passed on, but is not shown as anybody's message.
    let signature = headers.get(SIGNATURE).map(HeaderValue::as_bytes);
    let is_signed = signature.is_some_and(|it| is_signed(&simulation.webhooks.secret, &body, it));
    let is_new = is_signed && simulation.note_external_webhook(&body).await;
    let (id, started) = (fastrand::u64(..1 << 53), Instant::now());
    if is_new {
        let signed = headers.get(SIGNATURE).and_then(|v| v.to_str().ok());
        let (body, headers) = (&String::from_utf8_lossy(&body), json!({ SIGNATURE: signed }));
        publish_delivery(&simulation.feed, &*simulation.pipeline, Delivery::Sent { id, body, headers });
    }
    let status = pass_on(&simulation, &http, uri.path(), headers, body).await;
    if is_new {
        let took = started.elapsed();
        publish_delivery(
            &simulation.feed,
            &*simulation.pipeline,
            Delivery::Ended { id, status: Ok(status.as_u16()), took },
        );
    }
    status
}

async fn pass_on(
    simulation: &Simulation,
    http: &Client,
    path: &str,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Some(addresses) = simulation.pipeline.addresses() else { return StatusCode::BAD_GATEWAY };
    let url = format!("http://{}{path}", addresses.webhooks);
    let mut request = http.post(url).timeout(TIMEOUT).body(body);
    if let Some(signature) = headers.get(SIGNATURE) {
        request = request.header(SIGNATURE, signature);
    }
    request.send().await.map_or(StatusCode::BAD_GATEWAY, |response| response.status())
}

/// Passes on the pipeline's own answer to `/healthz`, because callers know only this address.
async fn healthz(State((simulation, http)): State<(Arc<Simulation>, Client)>) -> Response {
    let Some(addresses) = simulation.pipeline.addresses() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let asked = http.get(format!("http://{}/healthz", addresses.operator)).timeout(TIMEOUT).send().await;
    let Ok(response) = asked else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json")], body).into_response()
}
