//! The decisions of *answer*, as pure functions: they use no network, no clock and no environment of the process.

pub(crate) mod content;
pub mod conversation;
pub mod file;
pub(crate) mod file_name;
pub mod forget_marker;
pub(crate) mod group;
pub mod image;
pub(crate) mod instruction;
pub mod message_kind;
pub mod models;
pub mod pause;
pub mod persona;
pub mod prompt;
pub(crate) mod quote;
pub(crate) mod run_budget;
pub mod sent_image;
pub mod stage;
pub mod tokens;
pub mod turn;
pub mod user_quota;
pub mod waiting;
pub(crate) mod window;
