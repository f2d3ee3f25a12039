//! The model: any server that speaks the chat-completions API.
//!
//! Each way in which a model really behaves becomes one typed [`ModelError`]. `turn::ask_model` decides what to do
//! about it. An error never contains words of the model or of a person.

mod availability;
mod body;
mod client;
mod complete;
mod completion;
mod context;
pub(crate) mod endpoint;
mod error;
mod form;
mod learned;
mod refusal;
mod request;
mod response;
mod transcribe;
mod written;

pub use self::{
    client::ModelClient,
    context::context_of,
    endpoint::Endpoint,
    error::ErrorBody,
    response::{Completion, ModelError},
    transcribe::{BYTES_MAX as RECORDING_MAX, Heard},
};
