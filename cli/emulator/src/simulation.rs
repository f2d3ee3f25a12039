//! Everything around a bot: people, groups, LINE, the model, and the entries of the feed about them.
//! [`Simulation::apply`] is the only function that starts anything.

mod apply;
pub(crate) mod entries;
mod external_webhook;
mod faults;
mod groups;
mod language;
mod messages;
mod recording;
mod replay;
mod state;
mod step;
mod watch;

pub use self::{
    recording::Conversation,
    replay::replay,
    state::{Parts, Simulation},
    step::Step,
};
