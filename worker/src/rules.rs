//! The decisions of *answer*, as pure functions: no network, no clock, no environment.

pub(crate) mod attachment;
pub mod command;
pub(crate) mod content;
pub mod conversation;
pub(crate) mod group;
pub mod image;
pub mod models;
pub mod persona;
pub mod prompt;
pub mod quota;
pub(crate) mod run_budget;
pub mod turn;
pub(crate) mod window;
