//! LINE and a chat-completions server over HTTP, for `henji dev` and the tests: they behave as their owners document
//! it, and misbehave on demand.
//!
//! It knows no other crate of this workspace. Its knowledge of LINE and OpenAI comes from their documents, so that the
//! bot and the emulator cannot share a misreading.
//!
//! In reading order: [`mod@line`] and [`model`] are the servers, and [`faults`] is how they misbehave; [`simulation`] is
//! everything that happens around a bot (people, groups, recordings); `page` shows it, by [`feed`]; `bot_address`
//! passes webhooks on to the bot, and [`pipeline`] is the bot as it is seen from outside. [`server`] puts it together.

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
pub mod server;
pub mod simulation;
