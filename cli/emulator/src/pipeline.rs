//! The bot as the emulator sees it, from outside.

use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::Value;

/// The reason why something cannot be done, which the page shows.
pub type Refusal = &'static str;

/// The addresses of a bot.
#[derive(Clone, Copy)]
pub struct Addresses {
    /// The address for webhooks.
    pub webhooks: SocketAddr,
    /// The address of `/healthz`.
    pub operator: SocketAddr,
}

/// The ids by which the bot's requests for an event are known.
#[derive(Default)]
pub struct RequestIds {
    /// The id of the second turn that an edited message may begin, besides the turn of the edit.
    pub second: Option<String>,
    /// The retry key of the apology.
    pub apology: Option<String>,
}

/// The bot's pipeline.
#[async_trait]
pub trait Pipeline: Send + Sync {
    /// Returns its addresses; none while it does not run.
    fn addresses(&self) -> Option<Addresses>;
    /// Waits until it runs.
    async fn is_up(&self);
    /// Kills it if it runs, as an out-of-memory killer would.
    fn kill(&self);
    /// Returns the depth of its queue: `queued`, `in_flight` and `dead_letters`; null while that cannot be read.
    async fn depth(&self) -> Value;
    /// Returns its dead letters, as the page shows them; null while they cannot be read.
    async fn dead_letters(&self) -> Value;
    /// Puts dead letters back into its queue: the one with this id, or all.
    async fn redrive(&self, letter: Option<String>) -> Result<(), Refusal>;
    /// Returns the ids by which its requests for an event are known.
    fn request_ids(&self, event: &Value) -> RequestIds;
}
