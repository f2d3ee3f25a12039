//! The channel on LINE's side as operators see it: who the bot is, where its webhook goes, what is left
//! of the month's messages, and a word to one user.

use std::time::Duration;

use anyhow::{Context, bail};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::env::Env;
use uuid::Uuid;
use worker::{
    adapters::http,
    text::redact::{identifier, redacted},
};

use crate::clients::no_answer::NoAnswer;

/// How long LINE may take; its own test of a webhook waits for the bot.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The largest response that is read.
const BODY_MAX: usize = 64 << 10;

/// A client of one channel.
pub struct Channel {
    http: Client,
    base_url: String,
    token: SecretString,
}

/// LINE takes the token and does not allow the call (LINE, "Status codes": 403).
#[derive(Debug, thiserror::Error)]
#[error(
    "LINE does not allow this account or its plan to do that (status 403, request {0}), which a new token does not change"
)]
pub struct NotAllowed(String);

impl NotAllowed {
    /// The mend.
    pub fn mend(&self) -> String {
        "see the account and its plan in LINE Official Account Manager".to_owned()
    }
}

/// What LINE answered.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body; null where it is no JSON.
    pub body: Value,
    /// LINE's name of the request.
    pub request: String,
    /// When LINE answered, by its own clock.
    pub date: Option<Timestamp>,
}

impl Channel {
    /// A client at `LINE_API_BASE_URL` with this token.
    pub fn new(env: &Env, token: SecretString) -> anyhow::Result<Self> {
        let base_url = env.base_url("LINE_API_BASE_URL", "https://api.line.me")?;
        let base_url = base_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http: http::client()?, base_url, token })
    }

    /// The bot: `userId`, `basicId`, `displayName`, `chatMode` (LINE, "Get bot info").
    pub async fn info(&self) -> anyhow::Result<Answer> {
        self.call(Method::GET, "/v2/bot/info", None, None).await
    }

    /// Where LINE posts webhooks, and whether it does: `endpoint`, `active`.
    pub async fn webhook(&self) -> anyhow::Result<Answer> {
        self.call(Method::GET, "/v2/bot/channel/webhook/endpoint", None, None).await
    }

    /// Has LINE post webhooks to this URL.
    pub async fn set_webhook(&self, url: &str) -> anyhow::Result<()> {
        let body = json!({ "endpoint": url });
        self.call(Method::PUT, "/v2/bot/channel/webhook/endpoint", Some(body), None).await?.done().map(drop)
    }

    /// LINE's own test of the webhook: `success`, `statusCode`, `reason`, `detail`.
    pub async fn test_webhook(&self) -> anyhow::Result<Answer> {
        self.call(Method::POST, "/v2/bot/channel/webhook/test", Some(json!({})), None).await
    }

    /// The month's messages: the limit, if there is one, and what is used of it.
    pub async fn quota(&self) -> anyhow::Result<(Option<u64>, u64)> {
        let limit = self.call(Method::GET, "/v2/bot/message/quota", None, None).await?.done()?;
        let used = self.call(Method::GET, "/v2/bot/message/quota/consumption", None, None).await?.done()?;
        let used = used["totalUsage"].as_u64().context("LINE does not say how much is used")?;
        Ok((limit["value"].as_u64(), used))
    }

    /// The language of a person as a BCP 47 tag (LINE, "Get profile"); `None` where LINE does not tell it.
    pub async fn language(&self, user: &str) -> Option<String> {
        let profile = self.call(Method::GET, &format!("/v2/bot/profile/{user}"), None, None).await.ok()?;
        profile.done().ok()?["language"].as_str().map(str::to_owned)
    }

    /// Says a text to a user, group or room. The same key says it once, for a day.
    pub async fn say(&self, to: &str, text: &str, key: Uuid) -> anyhow::Result<()> {
        let body = json!({ "to": to, "messages": [{ "type": "text", "text": text }] });
        let answer = self.call(Method::POST, "/v2/bot/message/push", Some(body), Some(key)).await?;
        if answer.status == StatusCode::CONFLICT { Ok(()) } else { answer.done().map(drop) }
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        key: Option<Uuid>,
    ) -> anyhow::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base_url)).timeout(TIMEOUT);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if let Some(key) = key {
            request = request.header("x-line-retry-key", key.to_string());
        }
        let sent = request.bearer_auth(self.token.expose_secret()).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => bail!(no_answer(&self.base_url, http::no_response(&error))),
        };
        let status = response.status();
        let id = response.headers().get("x-line-request-id").and_then(|v| v.to_str().ok());
        let request = identifier(http::identifier(id.unwrap_or("")), &self.token).to_owned();
        let date = response.headers().get("date").and_then(|v| v.to_str().ok());
        let date = date.and_then(|text| rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        if status.is_server_error() {
            bail!(no_answer(&self.base_url, format!("status {}, request {request}", status.as_u16())));
        }
        let body = redacted(&String::from_utf8_lossy(&body), &self.token).into_owned();
        Ok(Answer { status, body: serde_json::from_str(&body).unwrap_or_default(), request, date })
    }
}

fn no_answer(base_url: &str, why: String) -> NoAnswer {
    NoAnswer { base_url: base_url.to_owned(), why, variable: "LINE_API_BASE_URL" }
}

impl Answer {
    /// The body of a success; else an error that says the status, LINE's request id, and what to do.
    pub fn done(self) -> anyhow::Result<Value> {
        match self.status {
            status if status.is_success() => Ok(self.body),
            StatusCode::UNAUTHORIZED => bail!(
                "LINE refuses the access token (status 401, request {}): issue a new one in LINE's console",
                self.request
            ),
            StatusCode::FORBIDDEN => bail!(NotAllowed(self.request)),
            status => {
                // LINE's own sentence about an operator's request; nobody else's words are in it.
                let message = self.body["message"].as_str().unwrap_or("no message");
                bail!("LINE answers {} ({message}), request {}", status.as_u16(), self.request)
            }
        }
    }
}
