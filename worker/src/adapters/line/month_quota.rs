//! The month's messages (LINE, "Get the target limit for sending messages this month").

use serde::Deserialize;

use super::client::{BODY_MAX, LineClient};
use crate::adapters::http;

/// The number of messages that the channel may push this month, and the number that it has pushed. LINE calls the
/// latter approximate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The limit of the LINE plan, with the messages that were bought beyond it.
    pub limit: u64,
    /// The number of messages that are used.
    pub used: u64,
}

impl Quota {
    pub(super) fn is_used_up(self) -> bool {
        self.used >= self.limit
    }
}

impl LineClient {
    /// Returns the month's messages; `None` if there is no limit, or LINE does not report it.
    pub async fn quota(&self) -> Option<Quota> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Answer {
            value: Option<u64>,
            total_usage: Option<u64>,
        }
        let get = async |path: &'static str| -> Option<Answer> {
            let response = self.exchange(path, || self.get(path)).await.ok();
            let response = response.filter(|response| response.status().is_success())?;
            serde_json::from_slice(&http::body(response, BODY_MAX).await.ok()??).ok()
        };
        let limit = get("/v2/bot/message/quota").await?.value?;
        let used = get("/v2/bot/message/quota/consumption").await?.total_usage?;
        Some(Quota { limit, used })
    }
}
