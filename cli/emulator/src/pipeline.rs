//! The bot that the emulator stands around, as it is seen from outside.

use std::net::SocketAddr;

use async_trait::async_trait;
use serde_json::Value;

/// The reason why something cannot be done, for the page to say.
pub type Refusal = &'static str;

/// The addresses of a bot.
#[derive(Clone, Copy)]
pub struct Addresses {
    /// For webhooks.
    pub webhooks: SocketAddr,
    /// For `/healthz`.
    pub operator: SocketAddr,
}

/// The pushes by which the bot answers an event.
#[derive(Default)]
pub struct Pushes {
    /// The name of the turn that an edited message may begin beside its edit.
    pub second: Option<String>,
    /// Their retry keys, the apology's last.
    pub keys: Vec<String>,
}

/// A bot.
#[async_trait]
pub trait Pipeline: Send + Sync {
    /// Its addresses; none while it is dead.
    fn addresses(&self) -> Option<Addresses>;
    /// Waits until it lives.
    async fn is_up(&self);
    /// Kills it, as an out-of-memory killer would, if it lives.
    fn kill(&self);
    /// How full its queue is: `queued`, `in_flight` and `dead_letters`; null while that cannot be read.
    async fn depth(&self) -> Value;
    /// Its dead letters, as the page shows them; null while they cannot be read.
    async fn dead_letters(&self) -> Value;
    /// Puts dead letters back into its queue: the one of this id, or all.
    async fn redrive(&self, letter: Option<String>) -> Result<(), Refusal>;
    /// The pushes by which it answers an event.
    fn pushes_of(&self, event: &Value) -> Pushes;
}
