//! The loading animation.

use serde_json::json;
use shared::event::log;

use super::client::{LineClient, SIDE_TIMEOUT};

/// The longest time for which LINE shows the loading animation, in seconds (LINE, "Display a loading animation").
pub const LOADING_SECONDS: u64 = 60;

impl LineClient {
    /// Shows the loading animation for a minute. Only private chats have one. A failure has no consequence, because the
    /// answer comes all the same.
    pub async fn start_loading(&self, chat: &str) {
        const PATH: &str = "/v2/bot/chat/loading/start";
        let body = json!({ "chatId": chat, "loadingSeconds": LOADING_SECONDS });
        let request = || self.post(PATH, body.to_string(), SIDE_TIMEOUT);
        if !self.exchange(PATH, request).await.is_ok_and(|response| response.status().is_success()) {
            log!(debug, LoadingFailed, "the loading animation was not shown");
        }
    }
}
