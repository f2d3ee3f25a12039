//! The loading animation (LINE, "Display a loading animation"): 5 to 60 seconds, in multiples of 5, in private chats
//! only. The next message ends it.

use std::sync::Arc;

use axum::{Json, extract::State, response::Response};
use serde_json::Value;

use super::{
    error::{invalid, invalid_property},
    ids::request_id,
    state::{Arrival, Line},
};
use crate::respond::respond;

/// The path of the call that starts the animation.
pub const LOADING: &str = "/v2/bot/chat/loading/start";

pub(super) async fn start(State(line): State<Arc<Line>>, Json(request): Json<Value>) -> Response {
    let Some(user) = request["chatId"].as_str().filter(|id| id.starts_with(['U', 'u'])) else {
        return invalid_property("chatId");
    };
    let seconds = match &request["loadingSeconds"] {
        Value::Null => Some(20),
        given => given.as_u64().filter(|s| (5..=60).contains(s) && s.is_multiple_of(5)),
    };
    let Some(seconds) = seconds else {
        let why = "Must be a multiple of 5 from 5 to 60";
        return invalid(&[("loadingSeconds".to_owned(), why.to_owned())]);
    };
    line.arrive(user, Arrival::Loading { seconds });
    respond(202, &[request_id()], "{}".to_owned())
}
