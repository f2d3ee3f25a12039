//! LINE's Messaging API, as its reference describes it. Each kind of call that a bot may make has its own file.
//! [`webhook`] posts to the bot, and [`phone`] is the side of the people. `state` keeps the data that all others use.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn, from_fn_with_state},
    routing::{get, post},
};

mod content;
mod error;
mod group;
mod ids;
mod loading;
mod message;
pub mod phone;
mod profile;
mod push;
mod quota;
mod read;
mod reply;
pub mod said;
mod signature;
mod state;
mod validate;
pub mod webhook;

pub use self::{
    content::{content_path, preview_path},
    group::is_group,
    loading::LOADING,
    message::{Button, Message},
    push::PUSH,
    quota::{CONSUMPTION, QUOTA},
    read::MARK_AS_READ,
    reply::{REPLY, chat},
    signature::{HEADER as SIGNATURE, is_signed},
    state::{Arrival, Line, Preparation, Sent, User},
    validate::VALIDATE_PUSH,
};

impl Line {
    /// Returns the router of LINE's paths.
    pub fn router(self: Arc<Self>) -> Router {
        let passed = async |State(line): State<Arc<Self>>, request: Request, next: Next| {
            line.faults.pass(request, next).await
        };
        Router::new()
            .route(PUSH, post(push::push))
            .route(REPLY, post(reply::reply))
            .route(VALIDATE_PUSH, post(validate::push))
            .route(LOADING, post(loading::start))
            .route(MARK_AS_READ, post(read::mark))
            .route(QUOTA, get(quota::quota))
            .route(CONSUMPTION, get(quota::consumption))
            .route("/v2/bot/{kind}/{chat}/member/{user}", get(group::member))
            .route("/v2/bot/{kind}/{chat}/members/count", get(group::count))
            .route("/v2/bot/group/{group}/summary", get(group::summary))
            .route("/v2/bot/message/{id}/content", get(content::content))
            .route("/v2/bot/message/{id}/content/preview", get(content::preview))
            .route("/v2/bot/message/{id}/content/transcoding", get(content::transcoding))
            .layer(from_fn(error::check))
            .layer(from_fn_with_state(self.clone(), passed))
            .merge(
                Router::new()
                    .route("/v2/bot/profile/{user}", get(profile::profile))
                    .route("/v2/bot/info", get(profile::info))
                    .layer(from_fn(error::check)),
            )
            .with_state(self)
    }
}
