//! The settings and clients of an attempt: settings, storage, the model, LINE.

use crate::{
    adapters::{line::LineClient, openai::ModelClient},
    config::Config,
    storage::Storage,
};

/// The settings and clients of *answer*. A step takes those that it needs.
pub struct Clients {
    /// The settings.
    pub config: Config,
    /// The storage of conversations and turns.
    pub storage: Storage,
    /// The client of the model's server.
    pub model: ModelClient,
    /// The client of LINE's Messaging API.
    pub line: LineClient,
}
