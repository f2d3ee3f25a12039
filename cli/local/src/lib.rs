//! Both stages in one process, without AWS: `henji serve`, and the pipeline of `henji dev`.
//!
//! It adds no logic to *accept* and *answer*: it gives them a queue and a history on SQLite, and listeners.
//!
//! In reading order: [`serve`] wires the process. [`listeners`] take webhooks, and give operators the results of
//! [`health`]. [`dispatcher`] hands jobs to the worker. [`sqlite`] keeps everything, and a [`dead_letter`] is a job
//! that could not be answered. [`descriptors`] divides the open files, [`log_writer`] writes the log, [`private`]
//! protects files, and [`signals`] end the process.

pub mod dead_letter;
pub mod descriptors;
pub mod dispatcher;
pub mod health;
pub mod listeners;
pub mod log_writer;
pub mod private;
pub mod serve;
pub mod signals;
pub mod sqlite;
