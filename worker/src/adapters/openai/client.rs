//! The client of one model, which sends requests and reads answers.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value};
use shared::secret::Secret;
use tokio::{sync::OnceCell, time::Instant};

use super::{
    availability::Availability,
    body::unpacked,
    endpoint::Endpoint,
    error::ErrorBody,
    learned::Learned,
    response::{ModelError, Sent},
};
use crate::{
    adapters::http::{self, Cut, NoResponse},
    clock::Clock,
    config::{Config, ModelSettings},
    failure::{Failure, Reason},
    rules::prompt::Budget,
};

/// The largest response that is read, in bytes. Some gateways list thousands of models.
pub(super) const BODY_MAX: usize = 8 << 20;
/// The time that it may take to look up whether the model exists.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of one model.
pub struct ModelClient {
    pub(super) http: Client,
    pub(super) endpoint: Endpoint,
    /// The settings of the model.
    pub(crate) settings: ModelSettings,
    pub(super) options: Map<String, Value>,
    pub(super) key: Arc<Secret>,
    /// The context that the server gives for a model whose context is a guess, once it was asked.
    pub(super) given_context: OnceCell<Option<u32>>,
    /// The client of the model that is asked if this one is unavailable.
    fallback: Option<Box<Self>>,
    /// The knowledge from the server's answers.
    pub(crate) learned: Learned,
    /// Whether the model is available.
    pub(crate) availability: Availability,
    clock: Clock,
}

impl ModelClient {
    /// Makes a client with the models and the base URL of the settings.
    pub fn new(config: &Config, http: &Client, key: Secret, clock: &Clock) -> Self {
        let key = Arc::new(key);
        let of = |model: &ModelSettings, endpoint: Endpoint, fallback: Option<Self>| Self {
            http: http.clone(),
            endpoint,
            learned: Learned::new(model.completion_limit),
            settings: model.clone(),
            options: config.model_options.clone(),
            key: key.clone(),
            given_context: OnceCell::new(),
            fallback: fallback.map(Box::new),
            availability: Availability::default(),
            clock: clock.clone(),
        };
        let fallback = config.fallback.as_ref();
        let fallback = fallback.map(|fallback| of(fallback, config.openai.of_model(&fallback.name), None));
        of(&config.model, config.openai.clone(), fallback)
    }

    /// Returns the client of the model that is asked if this one is unavailable.
    pub(crate) fn fallback(&self) -> Option<&Self> {
        self.fallback.as_deref()
    }

    /// Returns the room for a prompt and an answer of at most `max_tokens`, as far as it is known.
    pub(crate) fn room(&self, max_tokens: usize) -> Budget {
        self.learned.room(self.settings.budget, self.given_context.get().copied().flatten(), max_tokens)
    }

    /// Whether the server says that it does not know the model. This is false for servers without the models API, and
    /// for failures of any kind.
    pub async fn is_gone(&self) -> bool {
        let Ok(key) = self.key.value().await else { return false };
        let asked = self.endpoint.look_up(&self.http, &key, &self.settings.name);
        let Ok(response) = asked.timeout(LOOK_UP_TIMEOUT).send().await else { return false };
        if response.status() != StatusCode::NOT_FOUND {
            return false;
        }
        let body = http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default();
        ErrorBody::of(&body).says_model_not_found()
    }

    /// Sends the request that `ask` builds with the key, and reads the response, whatever its status is.
    pub(super) async fn send(
        &self,
        ask: impl Fn(&SecretString) -> RequestBuilder,
        deadline: Instant,
    ) -> Result<Sent, ModelError> {
        let in_time = |key: &SecretString| {
            let left = deadline.saturating_duration_since(Instant::now());
            ask(key).header("accept-encoding", "identity").timeout(left)
        };
        let sent = async {
            let (response, key) = http::send_under(&self.key, "the key", deadline, in_time).await?;
            let (status, headers) = (response.status(), response.headers());
            let retry_after = http::retry_after(headers, (self.clock)());
            let should_retry = http::should_retry(headers);
            let request_id = http::request_id(headers);
            let (body, cut) = http::beginning(response, BODY_MAX).await;
            let broken = cut.map(|cut| match cut {
                Cut::TooLarge => format!("the body is larger than {} MiB", BODY_MAX >> 20),
                Cut::Broken(error) => http::no_response(&error),
            });
            let body = unpacked(body, BODY_MAX);
            Ok(Sent { status, retry_after, should_retry, request_id, body, broken, key })
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
