//! The `henji` command: both stages on one machine, their dead letters, their set-up.
//!
//! It adds no logic to *accept* and *answer*: it gives them a queue and a history on SQLite, a listener,
//! and, in `dev`, servers that stand in for LINE and the model over HTTP.
//!
//! In reading order: [`serve`] wires the process, [`http`] is its listener for webhooks, [`admin`] the operator's with
//! what [`health`] finds out, [`descriptors`] shares out the open files, [`dispatch`] hands jobs to the worker, [`sqlite`] keeps everything; [`dev`] and [`standin`] are the newcomer's world; [`dlq`],
//! [`secrets`], [`webhook`], [`doctor`], [`forget`] and [`send`] are commands of their own, which find their bot by
//! [`deployment`], speak to LINE by [`channel`], to the model by [`model_server`], and to people by [`terminal`].

pub mod admin;
pub mod ask;
pub mod channel;
pub mod deployment;
pub mod descriptors;
pub mod dev;
pub mod dispatch;
pub mod dlq;
pub mod doctor;
pub mod dotenv;
pub mod findings;
pub mod forget;
pub mod health;
pub mod http;
pub mod log_writer;
pub mod model_server;
pub mod no_answer;
pub mod private;
pub mod secrets;
pub mod send;
pub mod serve;
pub mod signals;
pub mod sqlite;
pub mod standin;
pub mod terminal;
pub mod usage;
pub mod webhook;
