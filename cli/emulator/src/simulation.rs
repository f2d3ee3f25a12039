//! Everything that happens around a bot: people, groups, LINE, the model, and what the page is told of them.
//! [`World::apply`] is the one way in which anything is set going.

mod apply;
pub(crate) mod entries;
mod external_webhook;
mod faults;
mod groups;
mod language;
mod messages;
mod recording;
mod replay;
mod step;
mod watch;
mod world;

pub use self::{
    recording::Conversation,
    replay::replay,
    step::Step,
    world::{Parts, World},
};
