//! The `henji` command. Each of its commands is a file of [`commands`]. They find their bot by [`deployment`], call
//! LINE and the model's server by [`clients`], and print and ask by [`terminal`].
//!
//! The crate `local` is the pipeline on one machine. The crate `emulator` is LINE and the model for `henji dev`.
//! `commands/serve.rs` and `commands/dev.rs` start them.

pub mod clients;
pub mod commands;
pub mod deployment;
pub mod dotenv;
pub mod terminal;
