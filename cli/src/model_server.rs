//! The model's server as operators see it: whether it takes the key, and knows the model.

use std::time::Duration;

use anyhow::anyhow;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use shared::env::Env;
use worker::adapters::http;

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
        if response.status().is_success() { Ok(()) } else { Err(self.refusal(&response)) }
    }

    /// Whether it knows the model of this name.
    pub async fn knows(&self, name: &str) -> anyhow::Result<bool> {
        let response = self.get(&format!("/models/{name}")).await?;
        match response.status() {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(self.refusal(&response)),
        }
    }

    async fn get(&self, path: &str) -> anyhow::Result<Response> {
        let request = self.http.get(format!("{}{path}", self.base_url)).timeout(TIMEOUT);
        let sent = request.bearer_auth(self.key.expose_secret()).send().await;
        sent.map_err(|error| self.no_answer(http::no_response(&error)).into())
    }

    fn refusal(&self, response: &Response) -> anyhow::Error {
        let id = response.headers().get("x-request-id").and_then(|v| v.to_str().ok());
        let (status, id) = (response.status().as_u16(), http::identifier(id.unwrap_or("")));
        match status {
            401 | 403 => anyhow!("{} refuses the key: status {status}, request {id}", self.base_url),
            _ => self.no_answer(format!("status {status}, request {id}")).into(),
        }
    }

    fn no_answer(&self, why: String) -> NoAnswer {
        NoAnswer { base_url: self.base_url.clone(), why, variable: "OPENAI_BASE_URL" }
    }
}

/// The day on which a model ends, if it was announced.
pub fn ends_on(model: &str) -> Option<&'static str> {
    ENDS.iter().find(|(name, _)| *name == model).map(|(_, day)| *day)
}
