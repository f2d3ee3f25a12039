//! Everything that happens around a bot: people, groups, LINE, the model, and what the page is told of them.
//! [`Simulation::apply`] is the one way in which anything is set going.

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
