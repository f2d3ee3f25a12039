//! The page's paths without a pipeline behind them and without a listener, for tests that ask far more of
//! them than a person would.

use std::net::SocketAddr;

use axum::Router;
use reqwest::Client;
use shared::env::Env;
use tokio_util::sync::CancellationToken;
use worker::answer::wall_clock;

use super::{environment, feed::Feed, router, world};
use crate::{serve::Settings, sqlite::Database};

/// The page as if it listened there.
pub fn page(database: Database, http: Client, listens: SocketAddr) -> anyhow::Result<Router> {
    let (origin, clock) = (format!("http://{listens}"), wall_clock());
    let settings = Settings::from_env(&environment(Env::of([]), &origin))?;
    let feed = Feed::new(clock.clone(), CancellationToken::new(), vec![]);
    let world = world(&settings, database, &origin, None, &http, clock, feed)?;
    Ok(router(&world, http, listens))
}
