//! LINE's Messaging API: push, reply, loading animation, profile, content, and the quota that tells one
//! 429 from another. Concrete; tests and `henji dev` stand in for LINE over HTTP.

use std::{borrow::Cow, time::Duration};

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use shared::{job::MessageId, secret::Secret};
use tokio::time::Instant;
use uuid::Uuid;

use super::http::{self, NoResponse};
use crate::{
    config::Config,
    failure::{Failure, Reason, RetryPolicy},
    text::redact,
};

mod content;
mod profile;

pub use content::{Content, Fetched};
pub use profile::Profile;

/// How long LINE may take over a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long it may take over what is not worth waiting for.
const SIDE_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest loading animation that LINE shows (LINE, "Display a loading animation").
pub const LOADING_SECONDS: u64 = 60;
/// How long a rotated token is waited for.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response that is read.
const BODY_MAX: usize = 64 << 10;

/// A client of one channel.
pub struct LineClient {
    http: Client,
    base_url: Url,
    data_base_url: Url,
    token: Secret,
    clock: crate::clock::Clock,
    profiles: profile::Profiles,
    room: content::Room,
}

/// How many messages the channel may push this month, and has. LINE calls the latter approximate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The plan's limit, with what was bought beyond it.
    pub limit: u64,
    /// What is used of it.
    pub used: u64,
}

impl Quota {
    fn is_used_up(self) -> bool {
        self.used >= self.limit
    }
}

/// A push or reply that LINE did not answer with "accepted".
#[derive(Debug)]
pub enum SendError {
    /// It may have been accepted (500, time-out, reset): the same request, again, tells.
    Unknown(Failure),
    /// It was certainly not accepted.
    Refused(Failure),
    /// The token is refused, and no other one has taken its place; certainly not accepted.
    Unauthorized(Failure),
}

impl SendError {
    /// The failure, and whether the request may have been accepted.
    pub fn parts(self) -> (Failure, bool) {
        match self {
            Self::Unauthorized(failure) | Self::Refused(failure) => (failure, false),
            Self::Unknown(failure) => (failure, true),
        }
    }
}

impl LineClient {
    /// A client with the settings' base URLs.
    pub fn new(config: &Config, http: Client, token: Secret, clock: crate::clock::Clock) -> Self {
        Self {
            http,
            base_url: config.line_api_base_url.clone(),
            data_base_url: config.line_data_api_base_url.clone(),
            token,
            clock,
            profiles: profile::Profiles::default(),
            room: content::Room::default(),
        }
    }

    /// Pushes this body under this key, and returns the ids of its messages. 409 means that the key was accepted before: success
    /// (LINE, "Retry failed API requests").
    pub async fn push(&self, body: &str, retry_key: Uuid) -> Result<Vec<MessageId>, SendError> {
        let request = || {
            let request = self.post("/v2/bot/message/push", body.to_owned(), SEND_TIMEOUT);
            request.header("x-line-retry-key", retry_key.to_string())
        };
        self.send("push", request).await
    }

    /// Says this body's messages by its reply token, free of charge. There are no retry keys here: the
    /// token is single-use, which makes the same request safe to repeat and its refusal say little.
    pub async fn reply(&self, body: &str) -> Result<Vec<MessageId>, SendError> {
        self.send("reply", || self.post("/v2/bot/message/reply", body.to_owned(), SEND_TIMEOUT)).await
    }

    async fn send(
        &self,
        call: &str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Vec<MessageId>, SendError> {
        let response = match self.exchange(request).await {
            Ok(response) => response,
            Err(NoResponse { detail, was_sent }) => {
                let detail = format!("{call}: {detail}");
                return Err(if was_sent {
                    SendError::Unknown(Failure::passing(Reason::DeliveryUnknown, detail))
                } else {
                    SendError::Refused(Failure::passing(Reason::LineRejected, detail))
                });
            }
        };
        let detail = self.detail(call, &response);
        // Logged always, as LINE keeps no log of its own.
        tracing::info!(
            call,
            status = response.status().as_u16(),
            request = self.id(&response),
            "LINE answered"
        );
        match response.status() {
            status if status.is_success() || status == StatusCode::CONFLICT => Ok(sent(response).await),
            StatusCode::TOO_MANY_REQUESTS => Err(SendError::Refused(self.too_many(response, detail).await)),
            StatusCode::UNAUTHORIZED => {
                Err(SendError::Unauthorized(Failure::lasting(Reason::LineAuth, detail)))
            }
            status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Err(SendError::Unknown(Failure::passing(Reason::DeliveryUnknown, detail)))
            }
            status => {
                Err(SendError::Refused(Failure::lasting(Reason::LineRejected, refused(status, &detail))))
            }
        }
    }

    /// Shows the loading animation for a minute. Only private chats have one. Its failure is nobody's
    /// concern: the answer comes all the same.
    pub async fn start_loading(&self, chat: &str) {
        let body = json!({ "chatId": chat, "loadingSeconds": LOADING_SECONDS });
        let request = || self.post("/v2/bot/chat/loading/start", body.to_string(), SIDE_TIMEOUT);
        if !self.exchange(request).await.is_ok_and(|response| response.status().is_success()) {
            tracing::debug!("the loading animation was not shown");
        }
    }

    /// Sends a request under the channel's token.
    async fn exchange(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, NoResponse> {
        let signed = |token: &SecretString| request().bearer_auth(token.expose_secret());
        Ok(http::send_under(&self.token, "the access token", Instant::now() + TOKEN_TIMEOUT, signed).await?.0)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(http::below(&self.base_url, path)).timeout(SIDE_TIMEOUT)
    }

    fn post(&self, path: &str, body: String, timeout: Duration) -> RequestBuilder {
        self.http
            .post(http::below(&self.base_url, path))
            .timeout(timeout)
            .header("content-type", "application/json")
            .body(body)
    }

    /// 429 is a rate limit, which passes, or the end of the month's messages. That passes, too, where fewer are
    /// used than the plan has: a broadcast under way has reserved the rest (LINE, "FAQ"). Where LINE gives no
    /// numbers, or has no limit to compare with, nothing contradicts its words.
    async fn too_many(&self, response: Response, detail: String) -> Failure {
        let retry_after = http::retry_after(response.headers(), (self.clock)());
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        // LINE may change its words, so the numbers tell the end of the month as well.
        let says_monthly = String::from_utf8_lossy(&body).contains("monthly limit");
        match self.quota().await {
            Some(quota) if says_monthly && !quota.is_used_up() => Failure::passing(
                Reason::LineQuota,
                format!(
                    "{detail}: the monthly limit is reached, though {} of {} messages are used: a broadcast may have reserved the rest",
                    quota.used, quota.limit
                ),
            ),
            quota if says_monthly || quota.is_some_and(Quota::is_used_up) => {
                Failure::lasting(Reason::LineQuota, format!("{detail}: the monthly limit is reached"))
            }
            _ => Failure {
                remedy: RetryPolicy::Retry(retry_after),
                ..Failure::passing(Reason::LineRejected, detail)
            },
        }
    }

    /// A text that a model wrote, without the token.
    pub fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.token.known().map_or(text.into(), |token| redact::redacted(text, &token))
    }

    /// LINE's name of the request.
    fn id<'a>(&self, response: &'a Response) -> &'a str {
        let id = response.headers().get("x-line-request-id").and_then(|v| v.to_str().ok());
        let id = http::identifier(id.unwrap_or(""));
        self.token.known().map_or(id, |token| redact::identifier(id, &token))
    }

    /// LINE's answer, as a failure's detail.
    fn detail(&self, call: &str, response: &Response) -> String {
        format!("{call}: status {}, request {}", response.status().as_u16(), self.id(response))
    }

    /// The month's messages; `None` where there is no limit, or LINE does not say.
    pub async fn quota(&self) -> Option<Quota> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            value: Option<u64>,
            total_usage: Option<u64>,
        }
        let get = async |path: &str| -> Option<Answer> {
            let response = self.exchange(|| self.get(path)).await.ok();
            let response = response.filter(|response| response.status().is_success())?;
            serde_json::from_slice(&http::body(response, BODY_MAX).await.ok()??).ok()
        };
        let limit = get("/v2/bot/message/quota").await?.value?;
        let used = get("/v2/bot/message/quota/consumption").await?.total_usage?;
        Some(Quota { limit, used })
    }
}

/// The messages that were sent, as far as LINE names them (LINE, "Send push message", `sentMessages`).
async fn sent(response: Response) -> Vec<MessageId> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        sent_messages: Vec<Sent>,
    }
    #[derive(Deserialize)]
    struct Sent {
        id: String,
    }
    let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
    let sent = serde_json::from_slice(&body).map_or(vec![], |Answer { sent_messages }| sent_messages);
    sent.into_iter().filter_map(|Sent { id }| id.try_into().ok()).collect()
}

/// The detail of a refusal: 403 is no word about the token, which a new one would mend.
fn refused(status: StatusCode, detail: &str) -> String {
    match status {
        StatusCode::FORBIDDEN => format!("{detail}: LINE does not allow this account or its plan to do that"),
        _ => detail.to_owned(),
    }
}
