//! What is done with texts, as pure functions.

pub(crate) mod answer_limit;
pub mod clean;
pub(crate) mod excerpt;
pub mod markdown;
pub mod messages;
pub mod redact;
