//! LINE's Messaging API: push, reply, loading animation, profile, content, and the quota that tells one
//! 429 from another. Concrete; tests and `henji dev` stand in for LINE over HTTP.

mod client;
mod content;
mod loading;
mod month_quota;
mod profile;
mod profiles;
mod room;
mod send;

pub use client::LineClient;
pub use content::Fetched;
pub use loading::LOADING_SECONDS;
pub use month_quota::Quota;
pub use profiles::Profile;
pub use send::SendError;
