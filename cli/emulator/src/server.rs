//! Everything that the emulator serves, on one address: LINE and the model for the bot, the page for people, and the
//! bot's address for senders of webhooks.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, middleware::from_fn_with_state};
use reqwest::Client;

use crate::{
    bot_address,
    page::{
        self,
        guard::{self, Guard},
        traffic_log,
    },
    sent,
    simulation::Simulation,
};

/// The path prefix of the model, before `/v1`. LINE's paths have no prefix.
pub const MODEL: &str = "/standin/model";

/// Returns the router of a simulation that is served at this address. The bot accepts webhooks at `webhook_path`, and
/// `http` is the client that reaches it.
pub fn router(simulation: &Arc<Simulation>, webhook_path: &str, http: Client, listens: SocketAddr) -> Router {
    let bot_calls = simulation
        .line
        .clone()
        .router()
        .merge(simulation.webhooks.clone().router())
        .merge(Router::new().nest(MODEL, simulation.model.clone().router()))
        .layer(from_fn_with_state(simulation.feed.clone(), traffic_log::listen));
    page::router(simulation.clone())
        .merge(sent::router(simulation.clone()))
        .merge(bot_address::router(simulation.clone(), webhook_path, http))
        .merge(bot_calls)
        .layer(from_fn_with_state(Guard::new(listens), guard::check))
}
