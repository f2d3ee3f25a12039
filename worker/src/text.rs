//! The functions that change texts. They are pure.

pub(crate) mod answer_limit;
pub mod clean;
pub(crate) mod decode;
pub(crate) mod excerpt;
mod latex;
pub mod markdown;
pub mod messages;
pub mod redact;
pub(crate) mod thoughts;
