//! The client of one channel, which sends requests and reads answers.

use std::{borrow::Cow, time::Duration};

use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use shared::{event::log, secret::Secret};
use tokio::time::Instant;

use super::{content_budget::ContentBudget, profiles::Profiles};
use crate::{
    adapters::http::{self, NoResponse},
    clock::Clock,
    config::Config,
    text::redact,
};

/// The time-out of a request whose result is not worth a longer wait.
pub(super) const SIDE_TIMEOUT: Duration = Duration::from_secs(3);
/// The time to wait for a rotated token.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest response that is read, in bytes.
pub(super) const BODY_MAX: usize = 64 << 10;

/// A client of one channel.
pub struct LineClient {
    pub(super) http: Client,
    base_url: Url,
    pub(super) data_base_url: Url,
    token: Secret,
    pub(super) clock: Clock,
    pub(super) profiles: Profiles,
    pub(super) content_budget: ContentBudget,
}

impl LineClient {
    /// Makes a client with the base URLs of the settings.
    pub fn new(config: &Config, http: Client, token: Secret, clock: Clock) -> Self {
        Self {
            http,
            base_url: config.line_api_base_url.clone(),
            data_base_url: config.line_data_api_base_url.clone(),
            token,
            clock,
            profiles: Profiles::default(),
            content_budget: ContentBudget::default(),
        }
    }

    /// Sends a request under the channel's token. Each is logged, because LINE keeps no log of its own (LINE,
    /// "Development guidelines"). `endpoint` is its path, with names in place of ids.
    pub(super) async fn exchange(
        &self,
        endpoint: &'static str,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, NoResponse> {
        let began = Instant::now();
        let signed = |token: &SecretString| request().bearer_auth(token.expose_secret());
        let sent = http::send_under(&self.token, "the access token", began + TOKEN_TIMEOUT, signed).await;
        let line_ms = || u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match &sent {
            // A repeated retry key was accepted before.
            Ok((response, _))
                if response.status().is_success() || response.status() == StatusCode::CONFLICT =>
            {
                let (status, request) = (response.status().as_u16(), self.id(response));
                log!(
                    debug,
                    LineCalled,
                    endpoint,
                    status,
                    request,
                    line_ms = line_ms(),
                    "LINE answered a call"
                );
            }
            Ok((response, _)) => {
                let (status, request) = (response.status().as_u16(), self.id(response));
                log!(
                    info,
                    LineCallFailed,
                    endpoint,
                    status,
                    request,
                    line_ms = line_ms(),
                    "LINE answered a call with an error"
                );
            }
            Err(NoResponse { detail, .. }) => {
                log!(
                    info,
                    LineCallFailed,
                    endpoint,
                    detail,
                    line_ms = line_ms(),
                    "LINE did not answer a call"
                );
            }
        }
        Ok(sent?.0)
    }

    pub(super) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(http::below(&self.base_url, path)).timeout(SIDE_TIMEOUT)
    }

    pub(super) fn post(&self, path: &str, body: String, timeout: Duration) -> RequestBuilder {
        self.http
            .post(http::below(&self.base_url, path))
            .timeout(timeout)
            .header("content-type", "application/json")
            .body(body)
    }

    /// Returns a text that a model wrote, without the token.
    pub fn redacted<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.token.known().map_or(text.into(), |token| redact::redacted(text, &token))
    }

    /// Returns LINE's id of the request.
    pub(super) fn id<'a>(&self, response: &'a Response) -> &'a str {
        let id = response.headers().get("x-line-request-id").and_then(|v| v.to_str().ok());
        let id = http::identifier(id.unwrap_or(""));
        self.token.known().map_or(id, |token| redact::identifier(id, &token))
    }

    /// Describes LINE's answer for the detail of a failure.
    pub(super) fn detail(&self, call: &str, response: &Response) -> String {
        format!("{call}: status {}, request {}", response.status().as_u16(), self.id(response))
    }
}

/// Returns the detail of a refusal. A 403 does not concern the token, so that a new token would not help.
pub(super) fn refused(status: StatusCode, detail: &str) -> String {
    match status {
        StatusCode::FORBIDDEN => format!("{detail}: LINE does not allow this account or its plan to do that"),
        _ => detail.to_owned(),
    }
}
