//! The bot on Lambda: both functions as processes on the Lambda Runtime API, an emulator of AWS, and a proxy before it that
//! fails calls.

pub mod aws_proxy;
pub mod bot;
pub mod cloud;
pub mod functions;
pub mod runtime_api;
pub mod world;
