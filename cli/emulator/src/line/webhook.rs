//! LINE's side of the webhook. It signs events and posts them to the bot, waits two seconds for the answer, and
//! delivers again if no 2xx comes (LINE, "Receive messages (webhook)", "Check webhook error statistics"). It also has
//! the calls that set and test the webhook's address.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    middleware::from_fn,
    response::Response,
    routing::{get, post},
};
use reqwest::Client;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{
    error::{check, error, invalid_property},
    ids::request_id,
    said::BOT,
    signature,
    state::Line,
};
use crate::{clock::Clock, lock::lock, respond::respond};

/// The time that LINE waits for the bot's answer.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// The longest address that LINE accepts, in bytes.
const ENDPOINT_MAX: usize = 500;

/// The start or the end of one delivery.
pub enum Delivery<'a> {
    /// The delivery begins.
    Sent {
        /// A random number that identifies the delivery.
        id: u64,
        /// The body, exactly as it is signed.
        body: &'a str,
        /// The headers that the page shows.
        headers: Value,
    },
    /// The delivery ended.
    Ended {
        /// The number that identifies the delivery.
        id: u64,
        /// The bot's status, or the reason why there is none.
        status: Result<u16, &'static str>,
        /// The time until the bot's answer or the failure.
        took: Duration,
    },
}

type OnDelivery = Box<dyn Fn(Delivery<'_>) + Send + Sync>;

/// The webhook side of one channel.
pub struct Webhooks {
    /// The API that its bot calls.
    pub line: Arc<Line>,
    /// The channel secret.
    pub secret: SecretString,
    /// The address that webhooks are posted to.
    pub endpoint: Mutex<String>,
    /// The pauses after which an event that the bot did not accept is delivered again. LINE does not document their
    /// length or number.
    pub again: Vec<Duration>,
    /// The HTTP client that posts the webhooks.
    pub http: Client,
    /// The wall clock.
    pub clock: Clock,
    /// The function that is called at the start and at the end of every delivery.
    pub on_delivery: OnDelivery,
}

impl Webhooks {
    /// Returns the router of the webhook's settings.
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/v2/bot/channel/webhook/endpoint", get(show).put(set))
            .route("/v2/bot/channel/webhook/test", post(test))
            .layer(from_fn(check))
            .with_state(self)
    }

    /// Delivers events in one webhook, and delivers it again after each pause of `again` until the bot answers 2xx.
    pub async fn deliver(&self, mut events: Vec<Value>) {
        if self.post_events(&events).await {
            return;
        }
        for pause in &self.again {
            sleep(*pause).await;
            if self.redeliver(&mut events).await {
                return;
            }
        }
    }

    /// Delivers events once more, as LINE does when no 2xx came; returns whether 2xx came.
    pub async fn redeliver(&self, events: &mut [Value]) -> bool {
        for event in &mut *events {
            event["deliveryContext"]["isRedelivery"] = true.into();
        }
        self.post_events(events).await
    }

    async fn post_events(&self, events: &[Value]) -> bool {
        let endpoint = lock(&self.endpoint).clone();
        let webhook = json!({ "destination": BOT, "events": events });
        matches!(self.post(&endpoint, &webhook).await, Ok(200..300))
    }

    /// Signs and posts one body, and returns the bot's status.
    async fn post(&self, endpoint: &str, webhook: &Value) -> Result<u16, &'static str> {
        self.line.sends(webhook, Instant::now());
        let body = webhook.to_string();
        let signed = signature::sign(&self.secret, body.as_bytes());
        let headers = json!({ "content-type": "application/json; charset=utf-8", signature::HEADER: signed });
        let (id, started) = (fastrand::u64(..1 << 53), Instant::now());
        (self.on_delivery)(Delivery::Sent { id, body: &body, headers });
        let sent = self
            .http
            .post(endpoint)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "LineBotWebhook/2.0")
            .header(signature::HEADER, signed)
            .timeout(PATIENCE)
            .body(body.clone())
            .send()
            .await;
        let status = match sent {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) if error.is_timeout() => Err("request_timeout"),
            Err(error) if error.is_connect() => Err("could_not_connect"),
            Err(_) => Err("unclassified"),
        };
        (self.on_delivery)(Delivery::Ended { id, status, took: started.elapsed() });
        status
    }
}

async fn show(State(webhooks): State<Arc<Webhooks>>) -> Response {
    let endpoint = lock(&webhooks.endpoint).clone();
    respond(200, &[request_id()], json!({ "endpoint": endpoint, "active": true }).to_string())
}

async fn set(State(webhooks): State<Arc<Webhooks>>, Json(request): Json<Value>) -> Response {
    let Some(endpoint) = address(&request) else { return invalid_property("endpoint") };
    *lock(&webhooks.endpoint) = endpoint;
    respond(200, &[request_id()], "{}".to_owned())
}

/// Returns the address of a request if LINE accepts it: HTTPS, and not too long.
fn address(request: &Value) -> Option<String> {
    let endpoint = request["endpoint"].as_str().filter(|url| url.len() <= ENDPOINT_MAX)?;
    let url = reqwest::Url::parse(endpoint).ok()?;
    (url.scheme() == "https" && url.has_host()).then(|| endpoint.to_owned())
}

async fn test(State(webhooks): State<Arc<Webhooks>>, Json(request): Json<Value>) -> Response {
    let endpoint = match &request["endpoint"] {
        Value::Null => lock(&webhooks.endpoint).clone(),
        _ => match address(&request) {
            Some(endpoint) => endpoint,
            None => return error(400, "Invalid webhook endpoint URL", &[]),
        },
    };
    let status = webhooks.post(&endpoint, &json!({ "destination": BOT, "events": [] })).await;
    let reason = match status {
        Ok(200..300) => "OK",
        Ok(_) => "ERROR_STATUS_CODE",
        Err("request_timeout") => "REQUEST_TIMEOUT",
        Err("could_not_connect") => "COULD_NOT_CONNECT",
        Err(_) => "UNCLASSIFIED",
    };
    let code = status.unwrap_or(0);
    let answer = json!({
        "success": reason == "OK", "timestamp": (webhooks.clock)().to_string(), "statusCode": code,
        "reason": reason, "detail": status.map_or_else(ToOwned::to_owned, |code| code.to_string()),
    });
    respond(200, &[request_id()], answer.to_string())
}
