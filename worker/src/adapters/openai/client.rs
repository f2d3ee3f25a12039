//! The client of one model, which sends requests and reads answers.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use reqwest::{Client, RequestBuilder, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value};
use shared::{event::log, secret::Secret};
use tokio::{sync::OnceCell, time::Instant};

use super::{
    body::unpacked,
    endpoint::Endpoint,
    error::ErrorBody,
    form::Form,
    response::{Completion, ModelError, Sent},
};
use crate::{
    adapters::http::{self, Cut, NoResponse},
    clock::Clock,
    config::{Config, ContextSource, Fallback},
    failure::{Failure, Reason},
    history::Tokens,
    rules::prompt::Budget,
};

/// The largest response that is read, in bytes.
const BODY_MAX: usize = 8 << 20;
/// The time that it may take to look up whether the model exists.
const LOOK_UP_TIMEOUT: Duration = Duration::from_secs(10);

/// The failures in a row after which a model rests, if there is a fallback.
const FAILURES_MAX: u32 = 3;
/// The time for which a model rests.
const REST: Duration = Duration::from_mins(1);

/// The difference, in tokens, between answers that end at the same limit.
const SLACK: u64 = 2;
/// The most bytes of text for each token that a server counts. A server that counts fewer tokens does not count right.
const BYTES_PER_TOKEN_MAX: u64 = 8;

/// A client of one model.
pub struct ModelClient {
    pub(super) http: Client,
    pub(super) endpoint: Endpoint,
    /// The model's name.
    pub(crate) model: String,
    /// The model's context, longest answer and encoding, by its name and the settings.
    pub(crate) budget: Budget,
    pub(super) options: Map<String, Value>,
    pub(super) key: Arc<Secret>,
    /// The source of the size of the budget's context.
    pub(super) context_source: ContextSource,
    /// The context that the server gives for such a model, once it was asked.
    pub(super) given_context: OnceCell<Option<u32>>,
    /// The client of the model that is asked if this one is unavailable.
    fallback: Option<Box<Self>>,
    /// The number of calls in a row in which this model was unavailable, and the time of the last one.
    failures: Mutex<(u32, Option<Instant>)>,
    /// The form of requests that the server accepted last.
    form: Mutex<Form>,
    /// The size of the model's context in tokens, once the server has shown that it is smaller than its setting.
    context: AtomicUsize,
    /// The length of an answer, in tokens, at which the server itself cuts answers, once it has shown it.
    own_limit: AtomicUsize,
    /// Whether a text of the model began within a thought.
    pub(super) opens_thoughts: AtomicBool,
    clock: Clock,
}

impl ModelClient {
    /// Makes a client with the models and the base URL of the settings.
    pub fn new(config: &Config, http: Client, key: Secret, clock: Clock) -> Self {
        let key = Arc::new(key);
        let fallback = config.fallback.as_ref().map(|fallback| {
            let Fallback { model, budget, context_source, completion_limit, .. } = fallback;
            let of = (model.as_str(), *budget, *completion_limit, config.openai.of_model(model));
            let client = Self::of(of, config, http.clone(), key.clone(), clock.clone());
            Box::new(Self { context_source: *context_source, ..client })
        });
        let of = (config.model.as_str(), config.budget, config.completion_limit, config.openai.clone());
        Self { fallback, ..Self::of(of, config, http, key, clock) }
    }

    fn of(
        (model, budget, completion_limit, endpoint): (&str, Budget, bool, Endpoint),
        config: &Config,
        http: Client,
        key: Arc<Secret>,
        clock: Clock,
    ) -> Self {
        Self {
            http,
            endpoint,
            model: model.to_owned(),
            budget,
            options: config.model_options.clone(),
            key,
            context_source: config.context_source,
            given_context: OnceCell::new(),
            fallback: None,
            failures: Mutex::default(),
            form: Form::new(completion_limit).into(),
            context: usize::MAX.into(),
            own_limit: usize::MAX.into(),
            opens_thoughts: AtomicBool::new(false),
            clock,
        }
    }

    /// Returns the client of the model that is asked if this one is unavailable.
    pub(crate) fn fallback(&self) -> Option<&Self> {
        self.fallback.as_deref()
    }

    /// Counts a call of this model, in which it was available or not.
    pub(crate) fn count_call(&self, is_available: bool) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = if is_available { (0, None) } else { (failures.0 + 1, Some(Instant::now())) };
    }

    /// Whether this model was unavailable so often and so recently that it is not asked.
    pub(crate) fn rests(&self) -> bool {
        let (failures, last) = *self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures >= FAILURES_MAX && last.is_some_and(|last| last.elapsed() < REST)
    }

    /// Returns the room for a prompt and an answer of at most `max_tokens`, as far as it is known.
    pub(crate) fn room(&self, max_tokens: usize) -> Budget {
        let given = self.given_context.get().copied().flatten().map(|tokens| tokens as usize);
        let (known, learned) = (given.unwrap_or(self.budget.context_tokens), self.context.load(Relaxed));
        let context_tokens = known.min(learned);
        let most = if given.is_some() || learned < known { context_tokens / 2 } else { max_tokens };
        let max_tokens = self.form().limit(max_tokens.min(most));
        Budget { context_tokens, max_tokens, ..self.budget }
    }

    /// Whether the server itself cuts answers of this length, in tokens.
    pub(crate) fn cuts_at(&self, tokens: u64) -> bool {
        tokens + SLACK >= self.own_limit.load(Relaxed) as u64
    }

    /// Learns why an answer ended below its limit, from the answer to the same question with fewer turns before it. If
    /// the second answer is longer, or finished, the context was full. If it has the same length, the server cuts there.
    pub(crate) fn compare(&self, first: &Completion, second: &Completion, prompt_bytes: usize) {
        let Tokens { prompt, completion, .. } = first.tokens;
        if second.is_below_limit && second.tokens.completion <= completion + SLACK {
            self.own_limit.fetch_min(usize::try_from(completion).unwrap_or(usize::MAX), Relaxed);
        } else if prompt.saturating_mul(BYTES_PER_TOKEN_MAX) >= prompt_bytes as u64 {
            self.learn_context(usize::try_from(prompt + completion).unwrap_or(usize::MAX));
        }
    }

    /// Remembers that the model's context has no more than these tokens.
    pub(crate) fn learn_context(&self, tokens: usize) {
        if self.context.fetch_min(tokens, Relaxed) > tokens {
            log!(
                info,
                ContextLearned,
                tokens,
                model = self.model,
                "the model's context is smaller than was known"
            );
        }
    }

    pub(super) fn form(&self) -> Form {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn_form(&self, form: Form) {
        *self.form.lock().unwrap_or_else(PoisonError::into_inner) = form;
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

    /// Sends the request that `ask` builds with the key, and reads the response, whatever its status is.
    pub(super) async fn send(
        &self,
        ask: impl Fn(&SecretString) -> RequestBuilder,
        deadline: Instant,
    ) -> Result<Sent, ModelError> {
        let in_time =
            |key: &SecretString| ask(key).timeout(deadline.saturating_duration_since(Instant::now()));
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
