//! The harness of the stories: a bot in this process (`local`), a bot on Lambda (`lambda`), a chat with either (`chat`), the
//! programs (`process`), their operator and their log, LINE's specification, and the search for people's words and secrets.

pub mod chat;
mod database;
pub mod lambda;
pub mod local;
pub mod log_lines;
pub mod operator;
pub mod process;
pub mod secrecy;
pub mod spec;
