//! The client of one LINE channel for operators: it reads the bot's profile, its webhook address and the month's
//! messages, and sends a text to one user.

use std::time::Duration;

use anyhow::{Context, bail};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Client, Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use shared::{env::Env, job::ConversationId};
use uuid::Uuid;
use worker::{
    adapters::http,
    text::redact::{identifier, redacted},
};

use crate::clients::no_answer::NoAnswer;

/// The time-out of one request to LINE. It is long because LINE's own test of a webhook waits for the bot.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The largest response body that is read, in bytes.
const BODY_MAX: usize = 64 << 10;

/// A client of one channel.
pub struct Channel {
    http: Client,
    base_url: String,
    token: SecretString,
}

/// The error of a call that LINE does not allow, although it accepts the token (LINE, "Status codes": 403).
#[derive(Debug, thiserror::Error)]
#[error(
    "LINE does not allow this account or its plan to do that (status 403, request {0}), which a new token does not change"
)]
pub struct NotAllowed(String);

impl NotAllowed {
    /// Returns the advice for the operator.
    pub fn fix(&self) -> String {
        "see the account and its plan in LINE Official Account Manager".to_owned()
    }
}

/// A response of LINE.
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body; null if it is not JSON.
    pub body: Value,
    /// The id that LINE gave to the request (`x-line-request-id`).
    pub request: String,
    /// The time of the response by LINE's clock (the header `date`).
    pub date: Option<Timestamp>,
}

impl Channel {
    /// Makes a client for `LINE_API_BASE_URL` with this token.
    pub fn new(env: &Env, token: SecretString) -> anyhow::Result<Self> {
        let base_url = env.base_url("LINE_API_BASE_URL", "https://api.line.me")?;
        let base_url = base_url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { http: http::client()?, base_url, token })
    }

    /// Reads the bot's profile: `userId`, `basicId`, `displayName`, `chatMode`, `markAsReadMode` (LINE, "Get bot info").
    pub async fn info(&self) -> anyhow::Result<Answer> {
        self.call(Method::GET, "/v2/bot/info", None, None).await
    }

    /// Reads the address to which LINE posts webhooks, and whether LINE posts them: `endpoint`, `active`.
    pub async fn webhook(&self) -> anyhow::Result<Answer> {
        self.call(Method::GET, "/v2/bot/channel/webhook/endpoint", None, None).await
    }

    /// Sets the URL to which LINE posts webhooks.
    pub async fn set_webhook(&self, url: &str) -> anyhow::Result<()> {
        let body = json!({ "endpoint": url });
        self.call(Method::PUT, "/v2/bot/channel/webhook/endpoint", Some(body), None).await?.done().map(drop)
    }

    /// Runs LINE's own test of the webhook: `success`, `statusCode`, `reason`, `detail`.
    pub async fn test_webhook(&self) -> anyhow::Result<Answer> {
        self.call(Method::POST, "/v2/bot/channel/webhook/test", Some(json!({})), None).await
    }

    /// Asks LINE whether it would take these messages in a push, and sends nothing. For a refusal, returns LINE's words.
    pub async fn validate(&self, messages: &Value) -> anyhow::Result<Option<String>> {
        let body = json!({ "messages": messages });
        let answer = self.call(Method::POST, "/v2/bot/message/validate/push", Some(body), None).await?;
        if answer.status != StatusCode::BAD_REQUEST {
            return answer.done().map(|_| None);
        }
        let of = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let detail = |detail: &Value| format!("{}: {}", of(detail, "property"), of(detail, "message"));
        let details = answer.body["details"].as_array().map_or(&[][..], Vec::as_slice);
        let words = [vec![of(&answer.body, "message")], details.iter().map(detail).collect()].concat();
        Ok(Some(format!("{}, request {}", words.join("; "), answer.request)))
    }

    /// Reads the limit of the month's messages, if there is one, and the number of used messages.
    pub async fn quota(&self) -> anyhow::Result<(Option<u64>, u64)> {
        let limit = self.call(Method::GET, "/v2/bot/message/quota", None, None).await?.done()?;
        let used = self.call(Method::GET, "/v2/bot/message/quota/consumption", None, None).await?.done()?;
        let used = used["totalUsage"].as_u64().context("LINE does not say how much is used")?;
        Ok((limit["value"].as_u64(), used))
    }

    /// Whether LINE would send a message to this user or group (LINE, "Get profile", "Get group chat summary"): the user
    /// is a friend of the bot, the bot is in the group.
    pub async fn knows(&self, chat: &ConversationId) -> anyhow::Result<bool> {
        let path = match chat {
            ConversationId::User(user) => format!("/v2/bot/profile/{user}"),
            ConversationId::Group(group) => format!("/v2/bot/group/{group}/summary"),
            ConversationId::Room(room) => format!("/v2/bot/room/{room}/members/count"),
        };
        let answer = self.call(Method::GET, &path, None, None).await?;
        if answer.status == StatusCode::NOT_FOUND { Ok(false) } else { answer.done().map(|_| true) }
    }

    /// Reads the language of a person as a BCP 47 tag (LINE, "Get profile"); `None` if LINE does not give it.
    pub async fn language(&self, user: &str) -> Option<String> {
        let profile = self.call(Method::GET, &format!("/v2/bot/profile/{user}"), None, None).await.ok()?;
        profile.done().ok()?["language"].as_str().map(str::to_owned)
    }

    /// Pushes a text to a user, group or room. For a day, LINE sends the text of one retry key only once.
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
            Err(error) => bail!(no_answer(&self.base_url, None, http::no_response(&error))),
        };
        let status = response.status();
        let id = response.headers().get("x-line-request-id").and_then(|v| v.to_str().ok());
        let request = identifier(http::identifier(id.unwrap_or("")), &self.token).to_owned();
        let date = response.headers().get("date").and_then(|v| v.to_str().ok());
        let date = date.and_then(|text| rfc2822::DateTimeParser::new().parse_timestamp(text).ok());
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        if status.is_server_error() {
            let why = format!("status {}, request {request}", status.as_u16());
            bail!(no_answer(&self.base_url, Some(status.as_u16()), why));
        }
        let body = redacted(&String::from_utf8_lossy(&body), &self.token).into_owned();
        Ok(Answer { status, body: serde_json::from_str(&body).unwrap_or_default(), request, date })
    }
}

fn no_answer(base_url: &str, status: Option<u16>, why: String) -> NoAnswer {
    NoAnswer { base_url: base_url.to_owned(), status, why, variable: "LINE_API_BASE_URL" }
}

impl Answer {
    /// Returns the body of a success, or an error with the status, LINE's request id, and advice.
    pub fn done(self) -> anyhow::Result<Value> {
        match self.status {
            status if status.is_success() => Ok(self.body),
            StatusCode::UNAUTHORIZED => bail!(
                "LINE refuses the access token (status 401, request {}): issue a new one in LINE's console",
                self.request
            ),
            StatusCode::FORBIDDEN => bail!(NotAllowed(self.request)),
            status => {
                // It is safe to print: LINE writes it about an operator's request, so it has no words of users.
                let message = self.body["message"].as_str().unwrap_or("no message");
                bail!("LINE answers {} ({message}), request {}", status.as_u16(), self.request)
            }
        }
    }
}
