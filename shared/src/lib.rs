//! The code that both stages need, and nothing else: the [`job`], which passes through the queue; the commands that
//! people give ([`command`]), the word that calls the bot in a group ([`prefix`]) and characters that nobody sees
//! ([`visible`]); variables ([`env`](mod@env)),
//! [`secret`]s and certificates ([`roots`]); log lines ([`event`], [`logging`]), [`metrics`] with [`prices`],
//! [`traces`] and the [`version`] of the build.
//!
//! It has no client of LINE, of the model or of a queue. Only a [`job::Job`] passes from one stage to the other.

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
pub mod visible;
