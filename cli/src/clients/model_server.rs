//! The client of the model's server for operators: it checks whether the server accepts the key and knows the model,
//! and reads what the server says of the model.

use std::time::Duration;

use anyhow::anyhow;
use jiff::civil::Date;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use shared::env::Env;
use worker::{
    adapters::{
        http,
        openai::{Endpoint, ErrorBody, context_of},
    },
    rules::models,
    text::redact,
};

use crate::clients::no_answer::NoAnswer;

/// The time-out of one request to the server.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The largest response body that is read, in bytes. It is large because some servers list thousands of models.
const BODY_MAX: usize = 8 << 20;

/// The answer of a server to a model's name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The server has the model.
    Yes,
    /// The server has no model of this name.
    No,
    /// The server has no page for the model and does not list it. Some such servers, as llama.cpp's, accept any name.
    Unclear,
}

/// A client of the server at `OPENAI_BASE_URL`.
pub struct ModelServer {
    http: Client,
    endpoint: Endpoint,
    key: SecretString,
}

impl ModelServer {
    /// Makes a client with this key.
    pub fn new(env: &Env, key: SecretString) -> anyhow::Result<Self> {
        Ok(Self { http: http::client()?, endpoint: Endpoint::from_env(env)?, key })
    }

    /// Returns the server's base URL.
    pub fn base_url(&self) -> &str {
        self.endpoint.base()
    }

    /// Checks that the server accepts the key; an error if it refuses it or does not answer.
    pub async fn takes_key(&self) -> anyhow::Result<()> {
        let response = self.send(self.endpoint.models(&self.http, &self.key)).await?;
        if response.status().is_success() { Ok(()) } else { Err(self.refusal(&response)) }
    }

    /// Asks whether the server knows the model of this name, or the Azure deployment that is used in its place, and on
    /// which day the model ends. The server's word goes before that of the table; deployments on Azure have other days.
    pub async fn knows(&self, name: &str) -> anyhow::Result<(Known, Option<Date>)> {
        let (known, model) = self.judge(name, self.endpoint.look_up(&self.http, &self.key, name)).await?;
        let table = || models::named(name).end.filter(|_| self.endpoint.deployment(name).is_none());
        Ok((known, shutdown_date(&model).or_else(table)))
    }

    /// Asks the same for the model that transcribes voice, without its end.
    pub async fn hears_by(&self, name: &str) -> anyhow::Result<Known> {
        let asked = self.endpoint.look_up_transcription(&self.http, &self.key, name);
        Ok(self.judge(name, asked).await?.0)
    }

    /// Asks the server for the context of this model; `None` if the server does not give it.
    pub async fn context(&self, name: &str) -> Option<u32> {
        context_of(&self.endpoint, &self.http, &self.key, name).await.ok().flatten()
    }

    /// Returns the server's judgement, and what it says of the model.
    async fn judge(&self, name: &str, asked: RequestBuilder) -> anyhow::Result<(Known, Value)> {
        let response = self.send(asked).await?;
        let (status, is_azure) = (response.status(), self.endpoint.deployment(name).is_some());
        if status.is_success() {
            return Ok((Known::Yes, serde_json::from_slice(&read(response).await).unwrap_or_default()));
        }
        // On Azure the look-up is an incomplete request: a deployment that exists refuses it with 400.
        let is_asked_for_more = is_azure && status == StatusCode::BAD_REQUEST;
        if status != StatusCode::NOT_FOUND && !is_asked_for_more {
            return Err(self.refusal(&response));
        }
        let is_unknown = ErrorBody::of(&read(response).await).says_model_not_found();
        let known = match status {
            _ if is_unknown => Known::No,
            StatusCode::NOT_FOUND if is_azure => Known::No,
            StatusCode::NOT_FOUND if !self.lists(name).await? => Known::Unclear,
            _ => Known::Yes,
        };
        Ok((known, Value::Null))
    }

    async fn lists(&self, name: &str) -> anyhow::Result<bool> {
        let response = self.send(self.endpoint.models(&self.http, &self.key)).await?;
        let list: Value = serde_json::from_slice(&read(response).await).unwrap_or_default();
        Ok(list["data"].as_array().is_some_and(|models| models.iter().any(|model| model["id"] == name)))
    }

    /// Returns words for the thing that is looked up: the model, or the deployment that is used in its place.
    pub fn answerer(&self, model: &str) -> String {
        self.endpoint.deployment(model).map_or(format!("model {model}"), |name| format!("deployment {name}"))
    }

    /// Does the same for the model that transcribes voice, which on Azure is a deployment of that name.
    pub fn listener(&self, model: &str) -> String {
        let kind = if self.endpoint.deployment(model).is_some() { "deployment" } else { "model" };
        format!("{kind} {model}")
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<Response> {
        let sent = request.timeout(TIMEOUT).send().await;
        sent.map_err(|error| self.no_answer(None, http::no_response(&error)).into())
    }

    fn refusal(&self, response: &Response) -> anyhow::Error {
        let (status, id) = (response.status().as_u16(), http::request_id(response.headers()));
        let id = redact::identifier(&id, &self.key);
        match status {
            401 | 403 => anyhow!("{} refuses the key: status {status}, request {id}", self.base_url()),
            _ => self.no_answer(Some(status), format!("status {status}, request {id}")).into(),
        }
    }

    fn no_answer(&self, status: Option<u16>, why: String) -> NoAnswer {
        NoAnswer { base_url: self.base_url().to_owned(), status, why, variable: "OPENAI_BASE_URL" }
    }
}

/// Returns the day on which a model ends (OpenAI, "Retrieve model": `shutdown_date`).
fn shutdown_date(model: &Value) -> Option<Date> {
    model["shutdown_date"].as_str()?.get(..10)?.parse().ok()
}

async fn read(response: Response) -> Vec<u8> {
    http::body(response, BODY_MAX).await.ok().flatten().unwrap_or_default()
}
