//! The clients by which commands of an operator ask LINE and the model's server.

pub mod line_channel;
pub mod model_server;
pub mod no_answer;
