//! The model's server as operators see it: whether it takes the key, and knows the model.

use std::time::Duration;

use anyhow::anyhow;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use shared::env::Env;
use worker::adapters::{http, openai::Endpoint};

use crate::no_answer::NoAnswer;

/// How long it may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// When models end, as their maker has announced (OpenAI, "Deprecations").
const ENDS: [(&str, &str); 8] = [
    ("gpt-3.5-turbo", "2026-10-23"),
    ("gpt-3.5-turbo-0125", "2026-10-23"),
    ("gpt-4", "2026-10-23"),
    ("gpt-4-0613", "2026-10-23"),
    ("gpt-5-chat-latest", "2026-07-23"),
    ("gpt-5.1-chat-latest", "2026-07-23"),
    ("gpt-5.2-chat-latest", "2026-08-10"),
    ("gpt-5.3-chat-latest", "2026-08-10"),
];

/// A client of the server at `OPENAI_BASE_URL`.
pub struct ModelServer {
    http: Client,
    endpoint: Endpoint,
    key: SecretString,
}

impl ModelServer {
    /// A client with this key.
    pub fn new(env: &Env, key: SecretString) -> anyhow::Result<Self> {
        Ok(Self { http: http::client()?, endpoint: Endpoint::from_env(env)?, key })
    }

    /// Where it is.
    pub fn base_url(&self) -> &str {
        self.endpoint.base()
    }

    /// Whether it takes the key.
    pub async fn takes_key(&self) -> anyhow::Result<()> {
        let response = self.send(self.endpoint.models(&self.http, &self.key)).await?;
        if response.status().is_success() { Ok(()) } else { Err(self.refusal(&response)) }
    }

    /// Whether it knows the model of this name, or what is asked in its place.
    pub async fn knows(&self, name: &str) -> anyhow::Result<bool> {
        let response = self.send(self.endpoint.look_up(&self.http, &self.key, name)).await?;
        match response.status() {
            status if status.is_success() => Ok(true),
            // Azure's deployments are asked without a message, which they refuse.
            StatusCode::BAD_REQUEST if self.endpoint.deployment(name).is_some() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.refusal(&response)),
        }
    }

    /// What it looks for by the model's name, in words.
    pub fn answerer(&self, model: &str) -> String {
        self.endpoint.deployment(model).map_or(format!("model {model}"), |name| format!("deployment {name}"))
    }

    /// The day on which a model ends, if it was announced. What is deployed on Azure has days of its own.
    pub fn ends_on(&self, model: &str) -> Option<&'static str> {
        if self.endpoint.deployment(model).is_some() {
            return None;
        }
        ENDS.iter().find(|(name, _)| *name == model).map(|(_, day)| *day)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let sent = request.timeout(TIMEOUT).send().await;
        sent.map_err(|error| self.no_answer(http::no_response(&error)).into())
    }

    fn refusal(&self, response: &Response) -> anyhow::Error {
        let (status, id) = (response.status().as_u16(), http::request_id(response.headers()));
        match status {
            401 | 403 => anyhow!("{} refuses the key: status {status}, request {id}", self.base_url()),
            _ => self.no_answer(format!("status {status}, request {id}")).into(),
        }
    }

    fn no_answer(&self, why: String) -> NoAnswer {
        NoAnswer { base_url: self.base_url().to_owned(), why, variable: "OPENAI_BASE_URL" }
    }
}
