//! The client of one model, which sends requests and reads answers.

use std::{sync::atomic::AtomicBool, time::Duration};

use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::SecretString;
use shared::secret::Secret;
use tokio::time::Instant;

use super::{
    endpoint::Endpoint,
    error::ErrorBody,
    response::{ModelError, Sent},
};
use crate::{
    adapters::http::{self, NoResponse},
    clock::Clock,
    config::Config,
    failure::{Failure, Reason},
};

/// The largest response that is read, in bytes.
const BODY_MAX: usize = 8 << 20;
/// The time that it may take to look up whether the model exists.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of one model.
pub struct ModelClient {
    pub(super) http: Client,
    pub(super) endpoint: Endpoint,
    pub(super) model: String,
    key: Secret,
    /// Whether the server wants `max_completion_tokens`. This is learned when the server accepts the other name.
    pub(super) completion_limit: AtomicBool,
    clock: Clock,
}

impl ModelClient {
    /// Makes a client with the model and the base URL of the settings.
    pub fn new(config: &Config, http: Client, key: Secret, clock: Clock) -> Self {
        Self {
            http,
            endpoint: config.openai.clone(),
            model: config.model.clone(),
            key,
            completion_limit: config.completion_limit.into(),
            clock,
        }
    }

    /// Whether the server says that it does not know the model. This is false for servers without the models API, and
    /// for failures of any kind.
    pub async fn is_gone(&self) -> bool {
        let Ok(key) = self.key.value().await else { return false };
        let asked = self.endpoint.look_up(&self.http, &key, &self.model);
        let Ok(response) = asked.timeout(LOOK_UP_TIMEOUT).send().await else { return false };
        if response.status() != StatusCode::NOT_FOUND {
            return false;
        }
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        ErrorBody::of(&body).says_model_not_found()
    }

    /// Sends the request that `ask` builds with the key, and reads the whole response, whatever its status is. A body
    /// longer than `BODY_MAX` becomes an empty one.
    pub(super) async fn send(
        &self,
        ask: impl Fn(&SecretString) -> RequestBuilder,
        timeout: Duration,
    ) -> Result<Sent, ModelError> {
        let deadline = Instant::now() + timeout;
        let in_time =
            |key: &SecretString| ask(key).timeout(deadline.saturating_duration_since(Instant::now()));
        let sent = async {
            let (response, key) = http::send_under(&self.key, "the key", deadline, in_time).await?;
            Ok(Sent {
                key,
                status: response.status(),
                retry_after: http::retry_after(response.headers(), (self.clock)()),
                request_id: http::request_id(response.headers()),
                body: http::body(response, BODY_MAX).await?.unwrap_or_default(),
            })
        };
        sent.await.map_err(|NoResponse { detail, was_sent }| {
            let failure = unavailable(detail);
            if was_sent { ModelError::Unusable(failure) } else { ModelError::Failed(failure) }
        })
    }
}

pub(super) fn unavailable(detail: impl Into<String>) -> Failure {
    Failure::retryable(Reason::ModelUnavailable, detail)
}
