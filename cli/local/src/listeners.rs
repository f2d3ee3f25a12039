//! The two listeners of the process: one for webhooks, which the world reaches, and one for operators.

pub mod connections;
pub mod operator;
pub mod webhooks;
