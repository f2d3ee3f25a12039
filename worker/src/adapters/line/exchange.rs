//! One request to LINE under the channel's token, and once more where the token was rotated.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use shared::secret::NotRead;

use super::{Line, http};

/// A request that got no response.
pub(super) enum NoResponse {
    /// There was no token to send it under, but for one that LINE refused.
    NoToken(NotRead),
    /// It failed on its way.
    Http(reqwest::Error),
}

impl NoResponse {
    /// Whether LINE certainly did not accept it.
    pub(super) fn is_unsent(&self) -> bool {
        match self {
            Self::NoToken(_) => true,
            Self::Http(error) => error.is_connect() || error.is_builder(),
        }
    }

    /// The failure in words, without the URL.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::NoToken(unread) => format!("the access token: {unread}"),
            Self::Http(error) => http::no_response(error),
        }
    }
}

impl Line {
    pub(super) fn get(&self, url: &str, timeout: Duration) -> RequestBuilder {
        self.http.get(url).timeout(timeout)
    }

    /// Sends a request under the token in use. Where LINE refuses that token and another one has taken its
    /// place, the request is made and sent once more under that one.
    pub(super) async fn exchange(
        &self,
        request: impl Fn() -> RequestBuilder,
    ) -> Result<Response, NoResponse> {
        let signed = |token: &SecretString| request().bearer_auth(token.expose_secret());
        let token = self.token.value().await.map_err(NoResponse::NoToken)?;
        let response = signed(&token).send().await.map_err(NoResponse::Http)?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        let newer = self.token.other_than(&token).await.map_err(NoResponse::NoToken)?;
        let Some(newer) = newer else { return Ok(response) };
        tracing::info!(request = self.id(&response), "LINE refused a token that was rotated");
        Box::pin(signed(&newer).send()).await.map_err(NoResponse::Http)
    }
}
