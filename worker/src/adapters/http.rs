//! The one way HTTP clients are made, bodies are read, and `Retry-After` is understood.

use std::{error::Error, future::ready, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Client, ClientBuilder, RequestBuilder, Response,
    header::{self, HeaderMap, HeaderValue},
};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt;
use shared::roots::Roots;

use super::patient::Patient;

/// How long a TCP and TLS handshake may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The model is silent for minutes; without probes a NAT forgets the connection.
pub(super) const KEEPALIVE: Duration = Duration::from_secs(30);
/// Who says by which name it asks.
const USER_AGENT: HeaderValue = HeaderValue::from_static("henji");

/// A client with a connect time-out that trusts the system's certificate authorities. Each request sets its own
/// total time-out. Redirects are not followed: they would carry a secret to another host.
pub fn client() -> Result<Client, reqwest::Error> {
    builder().build()
}

/// The same for servers on this machine, which no proxy of the environment's leads to.
pub fn local_client() -> Result<Client, reqwest::Error> {
    builder().no_proxy().build()
}

/// A process's clients: one for calls of seconds, and one for those that last.
#[derive(Clone)]
pub struct Clients {
    /// The first, as [`client`] makes it.
    pub http: Client,
    patient: Patient,
}

/// No client can be made.
#[derive(Debug, thiserror::Error)]
pub enum NoClient {
    /// The system's certificates cannot be read.
    #[error("the certificate authorities are not known")]
    Tls(#[from] rustls::Error),
    /// Anything else.
    #[error("no HTTP client can be made")]
    Http(#[from] reqwest::Error),
}

impl Clients {
    /// Those that trust these authorities, which are read once.
    pub fn trusting(roots: Roots) -> Result<Self, NoClient> {
        // First, as it says whose cryptography the rest is made with.
        let builder = builder();
        let tls = match roots {
            Roots::System => ClientConfig::with_platform_verifier()?,
            Roots::Bundled => {
                let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
                ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()
            }
        };
        let http = builder.tls_backend_preconfigured(tls.clone()).build()?;
        Ok(Self { http, patient: Patient::new(tls) })
    }

    /// Sends a request that may last `within` and reads all that comes back, of a body longer than `max`
    /// nothing. It is boxed because thousands wait for
    /// it at once, and shall not keep room for the request.
    pub(super) fn exchange(
        &self,
        request: RequestBuilder,
        max: usize,
        within: Duration,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, NoResponse>> {
        let request = match request.timeout(within).build() {
            Ok(request) => request,
            Err(error) => return ready(Err(NoResponse::to(&error))).boxed(),
        };
        match self.lasting(&request) {
            Some(request) => self.patient.send(request, max, within).boxed(),
            None => self.exchange_as_usual(request, max).boxed(),
        }
    }

    /// The request as the patient client sends it, if it can: not through a proxy, and no body that is made while
    /// it is sent.
    fn lasting(&self, request: &reqwest::Request) -> Option<http::Request<Vec<u8>>> {
        let target = http::Uri::try_from(request.url().as_str()).ok();
        let target = target.filter(|target| self.patient.reaches(target))?;
        let mut lasting = http::Request::new(request.body()?.as_bytes()?.to_vec());
        *lasting.method_mut() = request.method().clone();
        *lasting.headers_mut() = request.headers().clone();
        lasting.headers_mut().insert(header::USER_AGENT, USER_AGENT);
        lasting.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        *lasting.uri_mut() = target;
        Some(lasting)
    }

    async fn exchange_as_usual(
        &self,
        request: reqwest::Request,
        max: usize,
    ) -> Result<http::Response<Vec<u8>>, NoResponse> {
        let response = self.http.execute(request).await.map_err(|error| NoResponse::to(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = body(response, max).await.map_err(|error| NoResponse::to(&error))?;
        let mut whole = http::Response::new(body.unwrap_or_default());
        (*whole.status_mut(), *whole.headers_mut()) = (status, headers);
        Ok(whole)
    }
}

fn builder() -> ClientBuilder {
    // The first call wins; the provider is the same each time.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(KEEPALIVE)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(USER_AGENT)
}

/// A response's body, or `None` where it is larger than `max` bytes.
pub async fn body(mut response: Response, max: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let length = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = Vec::with_capacity(length.unwrap_or(0).min(max));
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > max {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// What `Retry-After` asks for, in seconds or as a date (RFC 9110, 10.2.3). OpenAI and Azure say it in
/// milliseconds as well, by a header of their own.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let header = |name| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = header("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let value = header("retry-after")?;
    if let Ok(seconds) = value.parse::<f64>() {
        // More than can be counted is longer than anybody waits.
        return (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// Why a request that [`Clients::exchange`] made has no response.
pub(super) struct NoResponse {
    /// The event, in words without the URL.
    pub(super) detail: String,
    /// Whether all of the request was sent, so that the server may have done what it asks.
    pub(super) was_sent: bool,
}

impl NoResponse {
    fn to(error: &reqwest::Error) -> Self {
        Self { detail: no_response(error), was_sent: !(error.is_connect() || error.is_builder()) }
    }
}

/// A request without an answer.
pub(super) const NO_ANSWER_IN_TIME: &str = "no answer in time";
/// One of which nobody knows whether it arrived.
pub(super) const BROKEN: &str = "the connection broke";

/// Why a request got no response, in words without its URL. What kept a connection from being made
/// (a name, a port, a certificate) was said by this machine, before anything was sent.
pub fn no_response(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return NO_ANSWER_IN_TIME.to_owned();
    }
    if !error.is_connect() {
        return BROKEN.to_owned();
    }
    no_connection(error)
}

/// Why there was no connection, by what is behind the error.
pub(super) fn no_connection(mut cause: &(dyn Error + 'static)) -> String {
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("no connection: {cause}")
}

/// The name that a model's server gave a request; Azure's gateway has one of its own.
pub fn request_id(headers: &HeaderMap) -> String {
    let id = ["x-request-id", "apim-request-id"].iter().find_map(|name| headers.get(*name));
    identifier(id.and_then(|value| value.to_str().ok()).unwrap_or("")).to_owned()
}

/// A word that a server wrote, if it is an identifier: anything longer or freer could quote people.
pub fn identifier(word: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.:".contains(&b);
    if (1..=64).contains(&word.len()) && word.bytes().all(plain) { word } else { "?" }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_anything_else_is_nothing() {
        let now: Timestamp = "1994-11-06T08:49:30Z".parse().unwrap();
        for (value, seconds) in [
            ("7", Some(7.0)),
            ("0.5", Some(0.5)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7.0)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0.0)),
            ("soon", None),
            ("-3", None),
            ("nan", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", value.parse().unwrap());
            assert_eq!(retry_after(&headers, now), seconds.map(Duration::from_secs_f64), "{value}");
        }
        for beyond in ["1e300", "99999999999999999999"] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", beyond.parse().unwrap());
            assert_eq!(
                retry_after(&headers, now),
                Some(Duration::MAX),
                "{beyond} is no invitation to ask at once"
            );
        }
    }
}
