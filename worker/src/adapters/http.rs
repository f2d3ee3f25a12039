//! The only code that makes HTTP clients, sends requests under a secret, reads bodies and interprets `Retry-After`.

use std::{error::Error, time::Duration};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{Client, ClientBuilder, RequestBuilder, Response, StatusCode, Url, header::HeaderMap};
use rustls::{ClientConfig, RootCertStore};
use secrecy::SecretString;
use shared::{
    event::log,
    job::EventId,
    roots::Roots,
    secret::{NotRead, Secret},
};
use tokio::{
    task::futures::TaskLocalFuture,
    time::{Instant, timeout_at},
};

/// The header that names the event of a request ([`crate::config::Config::sends_event_header`]).
const EVENT_HEADER: &str = "x-henji-event";

tokio::task_local! {
    /// The event that the task's requests name; `None` if they name none.
    static EVENT: Option<EventId>;
}

/// Does `work`, whose requests name this event. A task that `work` spawns loses it.
pub fn with_event_header<F: Future>(event: Option<EventId>, work: F) -> TaskLocalFuture<Option<EventId>, F> {
    EVENT.scope(event, work)
}

/// The time that a TCP and TLS handshake may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The idle time before a keep-alive probe. The model is silent for minutes, and without probes a NAT forgets the
/// connection.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// The most idle connections that are kept to one server: each holds 26 KB of buffers.
const IDLE_MAX: usize = 100;

/// Makes a client with a connect time-out that trusts the system's certificate authorities. Each request sets its own
/// total time-out. Redirects are not followed, because they would carry a secret to another host.
pub fn client() -> Result<Client, reqwest::Error> {
    client_trusting(Roots::System)
}

/// Makes a client like [`client`] for servers on this machine. It does not use the proxies of the environment.
pub fn local_client() -> Result<Client, reqwest::Error> {
    builder().no_proxy().build()
}

/// Makes a client like [`client`] that trusts these certificate authorities.
pub fn client_trusting(roots: Roots) -> Result<Client, reqwest::Error> {
    // This comes first, because it installs the cryptography that the rest needs.
    let builder = builder();
    match roots {
        Roots::System => builder.build(),
        Roots::Bundled => {
            let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
            builder.tls_backend_preconfigured(tls).build()
        }
    }
}

fn builder() -> ClientBuilder {
    // The first call wins; the provider is the same each time.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_keepalive(KEEPALIVE)
        .pool_max_idle_per_host(IDLE_MAX)
        // These retries are of HTTP/2 and later. Without them, a request is not cloned for a retry.
        .retry(reqwest::retry::never().max_retries_per_request(0))
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("henji")
}

/// Sends the request that `request` builds with the secret in use. Returns the response, and the secret that the server
/// received. If the server refuses that secret and another one has taken its place, sends the request once more with
/// the new secret. Does not wait for a secret after `deadline`. Failures call the secret by `name`.
pub(super) async fn send_under(
    secret: &Secret,
    name: &str,
    deadline: Instant,
    request: impl Fn(&SecretString) -> RequestBuilder,
) -> Result<(Response, SecretString), NoResponse> {
    let unread = |error: NotRead| NoResponse { detail: format!("{name}: {error}"), was_sent: false };
    let used = timeout_at(deadline, secret.value()).await.unwrap_or(Err(NotRead)).map_err(unread)?;
    let named = |secret: &SecretString| match EVENT.try_with(Clone::clone).ok().flatten() {
        Some(event) => request(secret).header(EVENT_HEADER, event.as_str()),
        None => request(secret),
    };
    let response = named(&used).send().await?;
    if response.status() != StatusCode::UNAUTHORIZED {
        return Ok((response, used));
    }
    let newer = timeout_at(deadline, secret.replacement_of(&used)).await.unwrap_or(Err(NotRead));
    let Some(newer) = newer.map_err(unread)? else { return Ok((response, used)) };
    log!(
        info,
        RotatedSecretRefused,
        server = response.url().host_str(),
        "a server refused a secret: the rotated one is used"
    );
    Ok((named(&newer).send().await?, newer))
}

/// Returns the URL of a path below a base URL. The query of the base URL stays.
pub(super) fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

/// Reads a response's body. Returns `None` if it is larger than `max` bytes.
pub async fn body(response: Response, max: usize) -> Result<Option<Vec<u8>>, reqwest::Error> {
    match beginning(response, max).await {
        (body, None) => Ok(Some(body)),
        (_, Some(Cut::TooLarge)) => Ok(None),
        (_, Some(Cut::Broken(error))) => Err(error),
    }
}

/// The reason why a body was not read to its end.
pub(super) enum Cut {
    /// It is larger than the limit.
    TooLarge,
    /// The connection broke, or the time was over.
    Broken(reqwest::Error),
}

/// Reads at most `max` bytes of a response's body, and returns the reason if this is not all of it.
pub(super) async fn beginning(mut response: Response, max: usize) -> (Vec<u8>, Option<Cut>) {
    let length = response.content_length().and_then(|length| usize::try_from(length).ok());
    let mut body = Vec::with_capacity(length.unwrap_or(0).min(max));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > max => {
                body.extend_from_slice(&chunk[..max - body.len()]);
                return (body, Some(Cut::TooLarge));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, None),
            Err(error) => return (body, Some(Cut::Broken(error))),
        }
    }
}

/// Returns the pause that `Retry-After` asks for, in seconds or as a date (RFC 9110, 10.2.3). OpenAI and Azure also
/// send it in milliseconds, in a header of their own.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let header = |name| headers.get(name)?.to_str().ok().map(str::trim);
    if let Some(millis) = header("retry-after-ms").and_then(|text| text.parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let value = header("retry-after")?;
    if let Ok(seconds) = value.parse::<f64>() {
        // More seconds than a duration can count are longer than anybody waits.
        return (seconds >= 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

/// Returns whether a retry is of use, if the server says so (openai-python, `_should_retry`).
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    headers.get("x-should-retry")?.to_str().ok()?.parse().ok()
}

/// The reason why a request has no response.
pub(super) struct NoResponse {
    /// The description of the failure, without the URL.
    pub(super) detail: String,
    /// Whether the request may have been sent, so that the server may have carried it out. This is true if a connection
    /// broke after it was made, because nobody knows then.
    pub(super) was_sent: bool,
}

impl From<reqwest::Error> for NoResponse {
    fn from(error: reqwest::Error) -> Self {
        Self { detail: no_response(&error), was_sent: !(error.is_connect() || error.is_builder()) }
    }
}

/// Describes why a request got no response, without its URL. If no connection was made, the description has the cause
/// (a name, a port, a certificate). This machine wrote the cause before anything was sent.
pub fn no_response(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    if !error.is_connect() {
        return "the connection broke".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    format!("no connection: {cause}")
}

/// The headers in which a model's server or a gateway names a request: of OpenAI and most others, of Azure, Anthropic,
/// LiteLLM, Amazon and Cloudflare.
const REQUEST_IDS: [&str; 6] =
    ["x-request-id", "apim-request-id", "request-id", "x-litellm-call-id", "x-amzn-requestid", "cf-ray"];

/// Returns the request id of a model's server.
pub fn request_id(headers: &HeaderMap) -> String {
    let id = REQUEST_IDS.iter().find_map(|name| headers.get(*name));
    identifier(id.and_then(|value| value.to_str().ok()).unwrap_or("")).to_owned()
}

/// Returns a word that a server wrote, if it is an identifier: anything longer or freer could quote people.
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
