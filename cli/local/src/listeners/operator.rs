//! The operator's listener: `/healthz` and `/metrics`. It is separate from the listener for webhooks, which can be
//! reached from outside through a proxy or a tunnel.

use std::{net::SocketAddr, str::FromStr, sync::Arc};

use anyhow::Context;
use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use shared::metrics::prometheus;
use tokio::net::TcpListener;

use crate::{health::Health, log_writer, sqlite::queue::Depth};

/// The address of the operator's listener that `henji serve` uses by default.
pub const DEFAULT: &str = "127.0.0.1:9090";
/// The most connections that it holds at once.
pub const CONNECTIONS_MAX: usize = 16;

/// The choice of its address: `off`, an address, or `:PORT` for an address that only this machine can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// There is no listener.
    Off,
    /// The listener has this address.
    At(SocketAddr),
}

impl FromStr for Admin {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" {
            return Ok(Self::Off);
        }
        let port = text.strip_prefix(':').and_then(|port| port.parse().ok());
        let own = port.map(|port: u16| SocketAddr::from(([127, 0, 0, 1], port)));
        own.or_else(|| text.parse().ok())
            .map(Self::At)
            .ok_or("it must be an address such as 127.0.0.1:9090, :0 for any free port, or off")
    }
}

impl Admin {
    /// Listens at the chosen address, if there is one.
    pub async fn bind(self) -> anyhow::Result<Option<TcpListener>> {
        let Self::At(address) = self else { return Ok(None) };
        let listener = TcpListener::bind(address).await;
        listener.map(Some).with_context(|| {
            format!("{address} cannot be listened on for /healthz and /metrics (--admin names another address, or off)")
        })
    }
}

/// Returns the routes of the listener.
pub fn router(health: Arc<Health>) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/metrics", get(metrics)).with_state(health)
}

async fn healthz(State(health): State<Arc<Health>>) -> Response {
    let report = health.report().await;
    let status = if report.error.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(report)).into_response()
}

/// Returns the metrics since the process began, in the format of Prometheus. If the database fails, the metrics that
/// come from it are left out.
async fn metrics(State(health): State<Arc<Health>>) -> Response {
    let report = health.report().await;
    let mut gauges = vec![("healthy", u64::from(report.error.is_none()))];
    if let Some(Depth { queued, in_flight, dead_letters }) = report.depth {
        gauges.extend([("queued", queued), ("in_flight", in_flight), ("dead_letters", dead_letters)]);
    }
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4")];
    let counters = [("log_lines_dropped", log_writer::dropped())];
    (kind, prometheus(&gauges, &counters)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_a_port_or_off() {
        for (text, expected) in [
            ("off", Some(Admin::Off)),
            ("127.0.0.1:9090", Some(Admin::At(([127, 0, 0, 1], 9090).into()))),
            ("0.0.0.0:1", Some(Admin::At(([0, 0, 0, 0], 1).into()))),
            ("[::1]:9", Some(Admin::At(([0, 0, 0, 0, 0, 0, 0, 1], 9).into()))),
            (":0", Some(Admin::At(([127, 0, 0, 1], 0).into()))),
            (":9091", Some(Admin::At(([127, 0, 0, 1], 9091).into()))),
            ("", None),
            (":", None),
            (":65536", None),
            ("9090", None),
            ("OFF", None),
            ("example.com:1", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
    }
}
