//! The model: any server that speaks the chat-completions API.
//!
//! It turns each way in which a model really behaves into one typed [`ModelError`]; what to do about
//! it is [`crate::turn::ask_model`]'s part. What the model or a person wrote is never in an error.

mod client;
mod complete;
pub(crate) mod endpoint;
mod error;
mod request;
mod response;
mod transcribe;
mod written;

pub use self::{
    client::ModelClient,
    endpoint::Endpoint,
    error::ErrorBody,
    response::{Completion, ModelError},
    transcribe::{BYTES_MAX as RECORDING_MAX, Heard},
};
