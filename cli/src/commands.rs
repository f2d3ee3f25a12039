//! The commands of `henji`: a file for each.

pub mod dev;
pub mod dlq;
pub mod doctor;
pub mod forget;
pub mod secrets;
pub mod send;
pub mod serve;
pub mod usage;
pub mod webhook;
