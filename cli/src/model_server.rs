//! The model's server as operators see it: whether it takes the key, and knows the model.

use std::time::Duration;

use anyhow::bail;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use shared::env::Env;
use worker::adapters::http;

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
    /// Where it is.
    pub base_url: String,
    key: SecretString,
}

impl ModelServer {
    /// A client with this key.
    pub fn new(env: &Env, key: SecretString) -> anyhow::Result<Self> {
        let base_url = env.base_url("OPENAI_BASE_URL", "https://api.openai.com/v1")?;
        Ok(Self { http: http::client()?, base_url, key })
    }

    /// Whether it takes the key.
    pub async fn takes_key(&self) -> anyhow::Result<()> {
        let response = self.get("/models").await?;
        if response.status().is_success() { Ok(()) } else { bail!("{}", self.refusal(&response)) }
    }

    /// Whether it knows the model of this name.
    pub async fn knows(&self, name: &str) -> anyhow::Result<()> {
        let response = self.get(&format!("/models/{name}")).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            StatusCode::NOT_FOUND => bail!("{} knows no model {name}", self.base_url),
            _ => bail!("{}", self.refusal(&response)),
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Response> {
        let request = self.http.get(format!("{}{path}", self.base_url)).timeout(TIMEOUT);
        let sent = request.bearer_auth(self.key.expose_secret()).send().await;
        sent.or_else(|error| bail!("{}: {}", self.base_url, http::no_response(&error)))
    }

    fn refusal(&self, response: &Response) -> String {
        let id = response.headers().get("x-request-id").and_then(|v| v.to_str().ok());
        let (status, id) = (response.status().as_u16(), http::identifier(id.unwrap_or("")));
        let what = if status == 401 { "refuses the key" } else { "does not answer the question" };
        format!("{} {what}: status {status}, request {id}", self.base_url)
    }
}

/// The day on which a model ends, if it was announced.
pub fn ends_on(model: &str) -> Option<&'static str> {
    ENDS.iter().find(|(name, _)| *name == model).map(|(_, day)| *day)
}
