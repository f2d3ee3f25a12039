//! The two listeners of the process: one for webhooks, which can be reached from outside, and one for operators.

pub mod connections;
pub mod operator;
pub mod webhooks;
