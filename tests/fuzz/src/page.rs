//! The page's API: it serves its own page, refuses all other requests, and does not panic.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode},
};
use emulator::{
    feed::Feed,
    model::Model,
    pipeline::{Addresses, Pipeline, Refusal, RequestIds},
    server,
    simulation::{Parts, Simulation},
};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// The address of the page; no server listens there.
const LISTENS: &str = "127.0.0.1:9";
/// The character between two requests.
const NEXT: char = '\u{1e}';

/// A bot whose pipeline is not running.
struct NoBot;

#[async_trait]
impl Pipeline for NoBot {
    fn addresses(&self) -> Option<Addresses> {
        None
    }

    async fn is_up(&self) {
        std::future::pending::<()>().await;
    }

    fn kill(&self) {}

    async fn depth(&self) -> Value {
        Value::Null
    }

    async fn dead_letters(&self) -> Value {
        Value::Null
    }

    async fn redrive(&self, _: Option<String>) -> Result<(), Refusal> {
        Ok(())
    }

    fn request_ids(&self, _: &Value) -> RequestIds {
        RequestIds::default()
    }
}

fn page() -> Router {
    let listens: SocketAddr = LISTENS.parse().unwrap();
    let clock = worker::clock::wall_clock();
    let http = worker::adapters::http::local_client().unwrap();
    let simulation = Simulation::new(Parts {
        secret: "henji-dev".into(),
        webhook: format!("http://{listens}/webhook"),
        model: Model::offline(Duration::ZERO),
        pipeline: Arc::new(NoBot),
        feed: Feed::new(clock.clone(), CancellationToken::new(), vec![]),
        http: http.clone(),
        clock,
    });
    server::router(&simulation, "/webhook", http, listens)
}

/// Sends requests to a new page, each a line `METHOD /path`, lines of headers, an empty line, and the body; returns
/// whether a step was done.
pub fn holds(data: &[u8]) -> bool {
    let text = String::from_utf8_lossy(data);
    let requests: Vec<(bool, Request<Body>)> = text.split(NEXT).filter_map(request).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let page = TowerToHyperService::new(page());
        let mut is_done = false;
        for (is_own, request) in requests {
            let is_odd = request.uri().path().contains("..") || request.uri().path().contains('%');
            let response = page.call(request).await.unwrap();
            assert!(!is_odd || response.status() != StatusCode::OK, "a path leads elsewhere");
            is_done |= response.status() == StatusCode::NO_CONTENT;
            keeps_to_the_rules(response, is_own).await;
        }
        is_done
    })
}

async fn keeps_to_the_rules(response: Response<Body>, is_own: bool) {
    let (parts, body) = response.into_parts();
    assert!(parts.status.as_u16() < 500, "{}", parts.status);
    if !is_own {
        assert_eq!(parts.status, StatusCode::FORBIDDEN, "a stranger is served");
    } else if parts.status != StatusCode::FORBIDDEN {
        assert!(parts.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
        assert_eq!(parts.headers["x-content-type-options"], "nosniff");
    }
    if parts.status.is_client_error() {
        // Only an error is read to its end, because the feed has none.
        let body = to_bytes(body, 4 << 20).await.unwrap();
        assert!(body.len() < 1_000, "a refusal is one line: {}", String::from_utf8_lossy(&body));
    }
}

/// Returns a request to one of the page's own paths, and whether it names the page's address.
fn request(text: &str) -> Option<(bool, Request<Body>)> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next()?.split_once(' ')?;
    let is_page = path == "/" || ["/dev/", "/page/"].iter().any(|own| path.starts_with(own));
    let mut request = Request::builder().method(method).uri(path);
    let (mut host, mut origin) = (None, None);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            // No browser sends a header twice.
            "host" if host.is_some() => return None,
            "origin" if origin.is_some() => return None,
            "host" => host = Some(value.trim().to_owned()),
            "origin" => origin = Some(value.trim().to_owned()),
            _ => {}
        }
        request = request.header(name, value.trim());
    }
    let names = [LISTENS, "localhost:9"];
    let is_own = host.is_some_and(|host| {
        names.contains(&host.as_str()) && origin.is_none_or(|origin| origin == format!("http://{host}"))
    });
    Some((is_own, request.body(Body::from(body.to_owned())).ok()?)).filter(|_| is_page)
}
