//! LINE's Messaging API: push, reply, loading animation, profile, content, and the quota that distinguishes one 429
//! from another. There is no trait: the tests and `henji dev` use the emulator over HTTP instead of LINE.

mod client;
mod content;
mod content_budget;
mod loading;
mod month_quota;
mod profile;
mod profiles;
mod read;
mod send;

pub use client::LineClient;
pub use content::Fetched;
pub use content_budget::QuestionRoom;
pub use loading::LOADING_SECONDS;
pub use month_quota::Quota;
pub use profiles::Profile;
pub use send::SendError;
