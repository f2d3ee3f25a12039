//! Replies by reply tokens, which LINE sends in webhooks. A token is valid for a minute and once (LINE, "Send reply
//! message").

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::HeaderMap, response::Response};
use serde_json::Value;
use tokio::time::Instant;

use super::{
    error::{error, messages},
    group,
    ids::request_id,
    state::{Line, Sent, Token},
};
use crate::{lock::lock, respond::respond};

/// The path of the reply call.
pub const REPLY: &str = "/v2/bot/message/reply";

/// The time for which a token is valid after its webhook, redelivered or not.
const TOKEN_LIFE: Duration = Duration::from_mins(1);
/// The longest time after its first webhook for which a redelivered token is valid.
const EVENT_LIFE: Duration = Duration::from_mins(20);

impl Line {
    /// Notes that a webhook is sent now: its reply, quote and read tokens are valid from now on.
    pub fn sends(&self, webhook: &Value, now: Instant) {
        let mut memory = lock(&self.memory);
        for event in webhook["events"].as_array().into_iter().flatten() {
            let Some(chat) = chat(&event["source"]) else { continue };
            if group::is_group(chat) {
                group::note(&mut memory.groups, chat, event);
            }
            let message = &event["message"];
            if let (Some(token), Some(id)) = (message["quoteToken"].as_str(), message["id"].as_str()) {
                memory.quotable.insert(token.to_owned(), (chat.to_owned(), id.to_owned()));
            }
            memory.read_tokens.extend(message["markAsReadToken"].as_str().map(ToOwned::to_owned));
            let Some(token) = event["replyToken"].as_str() else { continue };
            let fresh = Token { chat: chat.to_owned(), first: now, last: now, spent: false };
            memory.tokens.entry(token.to_owned()).or_insert(fresh).last = now;
        }
    }

    /// Uses up a token: returns its chat if the token was valid.
    pub fn spends(&self, token: &str, now: Instant) -> Option<String> {
        let mut memory = lock(&self.memory);
        let token = memory.tokens.get_mut(token)?;
        let is_good = now - token.last < TOKEN_LIFE && now - token.first < EVENT_LIFE;
        (is_good && !std::mem::replace(&mut token.spent, true)).then(|| token.chat.clone())
    }
}

/// Returns the chat that a webhook's source names.
pub fn chat(source: &Value) -> Option<&str> {
    ["groupId", "roomId", "userId"].iter().find_map(|id| source[id].as_str())
}

pub(super) async fn reply(
    State(line): State<Arc<Line>>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    if headers.contains_key("x-line-retry-key") {
        return error(400, "Retry key is not supported for this endpoint", &[]);
    }
    let token = request["replyToken"].as_str().unwrap_or_default();
    let chat = lock(&line.memory).tokens.get(token).map(|token| token.chat.clone()).unwrap_or_default();
    let messages = match messages(&line, &chat, &request) {
        Ok(messages) => messages,
        Err(response) => return *response,
    };
    if line.spends(token, Instant::now()).is_none() {
        return error(400, "Invalid reply token", &[]);
    }
    let answer = line.accept(&chat, 0, Sent::new(token, messages, None));
    respond(200, &[request_id()], answer.to_string())
}
