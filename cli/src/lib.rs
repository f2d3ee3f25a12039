//! The `henji` command. Each of its commands is a file of [`commands`]; they find their bot by [`deployment`], speak to
//! LINE and to the model's server by [`clients`], and to people by [`terminal`].
//!
//! The pipeline on one machine is the crate `local`, and LINE and the model of `henji dev` are the crate `emulator`:
//! `commands/serve.rs` and `commands/dev.rs` wire them.

pub mod clients;
pub mod commands;
pub mod deployment;
pub mod dotenv;
pub mod terminal;
