//! An emulator of LINE and of a chat-completions server over HTTP, for `henji dev` and the tests. Both behave as their
//! owners document it, and misbehave on demand.
//!
//! It uses no other crate of this workspace. It is written from the documents of LINE and OpenAI only, so that the bot
//! and the emulator cannot share a misunderstanding.
//!
//! In reading order: [`mod@line`] and [`model`] are the servers, and [`faults`] makes them misbehave. [`simulation`] is
//! everything around a bot (people, groups, recordings). `page` shows it, by [`feed`]. `bot_address` passes webhooks
//! on to the bot, `sent` tells what the bot sent, and [`pipeline`] is the bot as the emulator sees it. [`server`] combines all of them.

mod bot_address;
pub mod clock;
pub mod faults;
pub mod feed;
pub mod line;
mod lock;
mod media_type;
pub mod model;
mod page;
pub mod pipeline;
mod respond;
mod sent;
pub mod server;
pub mod simulation;

pub use self::sent::SENT;
