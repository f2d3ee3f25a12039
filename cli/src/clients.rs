//! LINE and the model's server as operators see them.

pub mod line_channel;
pub mod model_server;
pub mod no_answer;
