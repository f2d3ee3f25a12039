//! The model's server as operators see it: whether it takes the key, and knows the model.

use std::time::Duration;

use anyhow::bail;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use shared::env::Env;
use worker::adapters::{http, openai::Endpoint};

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
        if response.status().is_success() { Ok(()) } else { bail!("{}", self.refusal(&response)) }
    }

    /// Whether it knows the model of this name, or what is asked in its place; says what it knows.
    pub async fn knows(&self, name: &str) -> anyhow::Result<String> {
        let response = self.send(self.endpoint.look_up(&self.http, &self.key, name)).await?;
        let (name, is_deployment) = self.endpoint.answerer(name);
        let status = response.status();
        // Azure's deployments are asked without a message, which they refuse.
        if status.is_success() || is_deployment && status == StatusCode::BAD_REQUEST {
            let what = if is_deployment { "the deployment " } else { "" };
            return Ok(format!("{} knows {what}{name}", self.base_url()));
        }
        match status {
            StatusCode::NOT_FOUND if is_deployment => bail!("{} knows no deployment {name}", self.base_url()),
            StatusCode::NOT_FOUND => bail!("{} knows no model {name}", self.base_url()),
            _ => bail!("{}", self.refusal(&response)),
        }
    }

    /// The day on which a model ends, if it was announced. What is deployed on Azure has days of its own.
    pub fn ends_on(&self, model: &str) -> Option<&'static str> {
        let (model, is_deployment) = self.endpoint.answerer(model);
        let ends = ENDS.iter().find(|(name, _)| *name == model && !is_deployment);
        ends.map(|(_, day)| *day)
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let sent = request.timeout(TIMEOUT).send().await;
        sent.or_else(|error| bail!("{}: {}", self.base_url(), http::no_response(&error)))
    }

    fn refusal(&self, response: &Response) -> String {
        let (status, id) = (response.status().as_u16(), http::request_id(response.headers()));
        let what = if status == 401 { "refuses the key" } else { "does not answer the question" };
        format!("{} {what}: status {status}, request {id}", self.base_url())
    }
}
