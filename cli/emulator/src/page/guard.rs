//! The access check of `henji dev`: it allows programs and pages that use the address it listens on. A web page from
//! elsewhere, and a host name that was pointed at this machine (DNS rebinding), get 403 and nothing else.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The content security policy: nothing from other hosts, no inline scripts, no frames.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    media-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The check of the address that a request names.
pub(crate) struct Guard {
    listens: SocketAddr,
}

impl Guard {
    /// Makes the check for a listener of this address.
    pub(crate) fn new(listens: SocketAddr) -> Arc<Self> {
        Arc::new(Self { listens })
    }

    /// Whether a host is this listener. Only `localhost` and IP addresses are accepted: `localhost` is this machine,
    /// and an IP address cannot be rebound by DNS.
    fn is_own(&self, host: &str) -> bool {
        let (ip, port) = (self.listens.ip(), self.listens.port());
        // Clients leave out 80, the default port of http.
        let (host, named_port) = match host.rsplit_once(':') {
            Some((name, digits)) if !name.is_empty() && !digits.ends_with(']') => (name, digits.parse().ok()),
            _ => (host, Some(80)),
        };
        if named_port != Some(port) {
            return false;
        }
        if host == "localhost" {
            return ip.is_loopback() || ip.is_unspecified();
        }
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        bare.parse::<IpAddr>().is_ok_and(|named| {
            named.is_ipv6() == host.starts_with('[') && (ip.is_unspecified() || named == ip)
        })
    }

    fn allows(&self, method: &Method, path: &str, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|v: &header::HeaderValue| v.to_str().ok());
        let Some(host) = text(header::HOST).filter(|host| self.is_own(host)) else { return false };
        if !is_from_own_page(path, headers) {
            return false;
        }
        match text(header::ORIGIN) {
            Some(origin) => origin.strip_prefix("http://") == Some(host),
            // Browsers send an origin with every request that changes something; LINE and the bot never do.
            None => {
                !headers.contains_key(header::ORIGIN) && (method == Method::GET || !path.starts_with("/dev/"))
            }
        }
    }
}

/// Whether the headers allow that a request is from the own page. Browsers name the kind of page also if they send no
/// origin, as for images and scripts (W3C, "Fetch Metadata Request Headers"). Another site may only link to the page.
/// Other programs do not send these headers, and are allowed.
fn is_from_own_page(path: &str, headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).map(header::HeaderValue::as_bytes);
    match said("sec-fetch-site") {
        None | Some(b"same-origin" | b"none") => true,
        Some(_) => {
            let is_link =
                said("sec-fetch-mode") == Some(b"navigate") && said("sec-fetch-dest") == Some(b"document");
            path == "/" && is_link
        }
    }
}

/// Passes a request on, or refuses it.
pub(crate) async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    if !guard.allows(request.method(), request.uri().path(), request.headers()) {
        let why = "henji dev answers only to the address that it listens on, and only its own page\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    let mut response = next.run(request).await;
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in headers {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    response
}
