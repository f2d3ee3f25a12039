//! LINE's Messaging API: push, reply, loading animation, profile, content, and the quota that tells one
//! 429 from another. Concrete; tests and `henji dev` stand in for LINE over HTTP.

mod client;
mod content;
mod loading;
mod profile;
mod profiles;
mod quota;
mod room;
mod send;

pub use client::LineClient;
pub use content::Fetched;
pub use loading::LOADING_SECONDS;
pub use profiles::Profile;
pub use quota::Quota;
pub use send::SendError;
