//! What Henji's two stages must agree on, and nothing else: the [`job`] that crosses the queue, the
//! [`env`](mod@env) that both read, the [`secret`]s both hold, whose certificates they trust ([`roots`]), the one
//! form of log ([`logging`]), the figures that are made of it ([`metrics`]), the spans of a trace
//! ([`traces`]), what calls the bot in a group ([`prefix`]) and what it is told to do ([`command`]), and the [`version`]
//! of the build.
//!
//! It refuses to know anything of LINE, of the model or of a queue: stage one and stage two never
//! meet, only a [`job::Job`] crosses.

pub mod adapters;
pub mod command;
pub mod env;
pub mod event;
pub mod job;
pub mod logging;
pub mod metrics;
pub mod prefix;
pub mod prices;
pub mod roots;
pub mod secret;
pub mod traces;
pub mod version;
