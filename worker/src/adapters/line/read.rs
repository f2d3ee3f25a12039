//! Marking messages as read.

use serde_json::json;

use super::client::{LineClient, SIDE_TIMEOUT};

const PATH: &str = "/v2/bot/chat/markAsRead";

impl LineClient {
    /// Marks the message of this token as read, with all messages before it (LINE, "Mark messages as read"). A failure
    /// has no consequence, because the answer comes all the same; the log has it as a call of LINE that failed.
    pub async fn mark_as_read(&self, token: &str) {
        let body = json!({ "markAsReadToken": token });
        let request = || self.post(PATH, body.to_string(), SIDE_TIMEOUT);
        let _ = self.exchange(PATH, request).await;
    }
}
