//! The profiles of users and of the bot (LINE, "Get profile", "Get bot info").

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::json;

use super::{
    error::error,
    ids::request_id,
    said::BOT,
    state::{Line, User},
};
use crate::{lock::lock, respond::respond};

pub(super) async fn profile(State(line): State<Arc<Line>>, Path(user): Path<String>) -> Response {
    let found = lock(&line.memory).users.iter().find(|u| u.id == user && u.follows).cloned();
    let Some(User { id, name, language, .. }) = found else { return error(404, "Not found", &[]) };
    let body = json!({ "userId": id, "displayName": name, "language": language });
    respond(200, &[request_id()], body.to_string())
}

pub(super) async fn info(State(line): State<Arc<Line>>) -> Response {
    let (chat, read) = if lock(&line.memory).is_chat_on { ("chat", "manual") } else { ("bot", "auto") };
    let body = json!({
        "userId": BOT, "basicId": "@henji", "displayName": "Henji",
        "chatMode": chat, "markAsReadMode": read,
    });
    respond(200, &[request_id()], body.to_string())
}
