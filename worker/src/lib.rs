//! Stage two, *answer*: reads the conversation, asks the model, stores the answer, and pushes it to the user, once per
//! event, even after a crash at any step.
//!
//! It does not know the source of a job: on AWS, SQS delivers batches, and on one machine, SQLite delivers one job at a
//! time. Both call [`turn::attempt`] and act on the outcome of the job.
//!
//! In reading order: [`turn`] makes one attempt, and `turn/` has its steps; [`rules`] and [`text`] are pure;
//! [`history`] is the port to the storage; [`adapters`] talk to the model, to LINE and to AWS; `lambda` is the entry
//! point on AWS.

#[cfg(not(panic = "unwind"))]
compile_error!("a panic in one turn must fail that turn, not the process: build with panic = \"unwind\"");

pub mod adapters;
pub mod clients;
pub mod clock;
pub mod config;
pub mod failure;
pub mod history;
pub mod locale;
pub mod outcome;
mod retry_loop;
pub mod retry_pauses;
pub mod rules;
pub mod storage;
pub mod text;
pub mod turn;

#[cfg(feature = "aws")]
pub mod lambda;
