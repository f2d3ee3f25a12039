//! Push and reply, and their results.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::Value;
use shared::{event::log, job::MessageId};
use uuid::Uuid;

use super::{
    client::{BODY_MAX, LineClient, refused},
    month_quota::Quota,
};
use crate::{
    adapters::http::{self, NoResponse},
    failure::{Failure, Reason, RetryPolicy},
};

/// The time that LINE may take to accept a message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

const PUSH: &str = "/v2/bot/message/push";
const REPLY: &str = "/v2/bot/message/reply";

/// A push or reply that LINE did not answer with "accepted".
#[derive(Debug)]
pub enum SendError {
    /// It may have been accepted (500, time-out, reset). The same request, sent again, shows whether it was.
    Unknown(Failure),
    /// It was certainly not accepted.
    Refused(Failure),
    /// The token is refused, and no other one has taken its place. The message was certainly not accepted.
    Unauthorized(Failure),
}

impl SendError {
    /// Returns the failure, and whether the request may have been accepted.
    pub fn parts(self) -> (Failure, bool) {
        match self {
            Self::Unauthorized(failure) | Self::Refused(failure) => (failure, false),
            Self::Unknown(failure) => (failure, true),
        }
    }
}

impl LineClient {
    /// Pushes this body under this retry key, and returns the ids of its messages. A 409 is a success: LINE accepted
    /// the key before (LINE, "Retry failed API requests").
    pub async fn push(&self, body: &str, retry_key: Uuid) -> Result<Vec<MessageId>, SendError> {
        let request = || {
            let request = self.post(PUSH, body.to_owned(), SEND_TIMEOUT);
            request.header("x-line-retry-key", retry_key.to_string())
        };
        self.send("push", PUSH, request).await
    }

    /// Sends this body's messages by its reply token, free of charge. There are no retry keys for replies. The token
    /// works once, which makes it safe to repeat the same request, but makes a refusal of it say little.
    pub async fn reply(&self, body: &str) -> Result<Vec<MessageId>, SendError> {
        self.send("reply", REPLY, || self.post(REPLY, body.to_owned(), SEND_TIMEOUT)).await
    }

    async fn send(
        &self,
        call: &str,
        endpoint: &'static str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Vec<MessageId>, SendError> {
        let response = match self.exchange(endpoint, request).await {
            Ok(response) => response,
            Err(NoResponse { detail, was_sent }) => {
                let detail = format!("{call}: {detail}");
                return Err(if was_sent {
                    SendError::Unknown(Failure::retryable(Reason::DeliveryUnknown, detail))
                } else {
                    SendError::Refused(Failure::retryable(Reason::LineRejected, detail))
                });
            }
        };
        let detail = self.detail(call, &response);
        // This is always logged, because LINE keeps no log of its own.
        log!(
            info,
            LineAnswered,
            call,
            status = response.status().as_u16(),
            request = self.id(&response),
            "LINE answered"
        );
        match response.status() {
            status if status.is_success() || status == StatusCode::CONFLICT => {
                let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
                Ok(sent(&body))
            }
            StatusCode::TOO_MANY_REQUESTS => Err(SendError::Refused(self.too_many(response, detail).await)),
            StatusCode::UNAUTHORIZED => {
                Err(SendError::Unauthorized(Failure::permanent(Reason::LineAuth, detail)))
            }
            status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                Err(SendError::Unknown(Failure::retryable(Reason::DeliveryUnknown, detail)))
            }
            status => {
                Err(SendError::Refused(Failure::permanent(Reason::LineRejected, refused(status, &detail))))
            }
        }
    }

    /// Returns the failure of a 429. It is a rate limit, which passes, or the end of the month's messages. The latter
    /// passes, too, if fewer messages are used than the plan has: a broadcast under way has reserved the rest (LINE,
    /// "FAQ"). If LINE gives no numbers, or has no limit to compare with, nothing contradicts its words.
    async fn too_many(&self, response: Response, detail: String) -> Failure {
        let retry_after = http::retry_after(response.headers(), (self.clock)());
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        // LINE may change its words, so the numbers also show that the month's messages are used up.
        let says_monthly = String::from_utf8_lossy(&body).contains("monthly limit");
        match self.quota().await {
            Some(quota) if says_monthly && !quota.is_used_up() => Failure::retryable(
                Reason::LineQuota,
                format!(
                    "{detail}: the monthly limit is reached, though {} of {} messages are used: a broadcast may have reserved the rest",
                    quota.used, quota.limit
                ),
            ),
            quota if says_monthly || quota.is_some_and(Quota::is_used_up) => {
                Failure::permanent(Reason::LineQuota, format!("{detail}: the monthly limit is reached"))
            }
            _ => Failure {
                retry: RetryPolicy::Retry(retry_after),
                ..Failure::retryable(Reason::LineRejected, detail)
            },
        }
    }
}

/// Returns the ids of the sent messages, as far as LINE names them (LINE, "Send push message", `sentMessages`). The
/// reference calls an id a number and shows a string.
fn sent(body: &[u8]) -> Vec<MessageId> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let id = |sent: &Value| match &sent["id"] {
        Value::String(id) => id.clone().try_into().ok(),
        Value::Number(id) => id.to_string().try_into().ok(),
        _ => None,
    };
    answer["sentMessages"].as_array().into_iter().flatten().filter_map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_string_or_a_number() {
        for (body, ids) in [
            (
                r#"{"sentMessages":[{"id":"461230966842064897","quoteToken":"q"}]}"#,
                &["461230966842064897"][..],
            ),
            (
                r#"{"sentMessages":[{"id":461230966842064897},null,{"id":[]},{},{"id":"a b"},{"id":"7"}]}"#,
                &["461230966842064897", "7"],
            ),
            (r#"{"sentMessages":7}"#, &[]),
            ("[]", &[]),
            ("", &[]),
        ] {
            let sent = sent(body.as_bytes());
            assert_eq!(sent.iter().map(MessageId::as_str).collect::<Vec<_>>(), ids, "{body}");
        }
    }
}
