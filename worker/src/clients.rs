//! Everything that an attempt works with: settings, storage, the model, LINE.

use crate::{
    adapters::{line::LineClient, openai::ModelClient},
    config::Config,
    storage::Storage,
};

/// The clients of *answer*. A step takes those that it needs.
pub struct Clients {
    /// The settings.
    pub config: Config,
    /// Conversations and turns.
    pub storage: Storage,
    /// The model.
    pub model: ModelClient,
    /// LINE.
    pub line: LineClient,
}
