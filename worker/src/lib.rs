//! Stage two, *answer*: reads the conversation, asks the model, stores the answer, and pushes it to the user, once per
//! event whatever crashes in between.
//!
//! It does not know where a job comes from: SQS hands it batches on AWS, SQLite one job at a time on one machine. Both
//! call [`turn::attempt`] and do with the job what the outcome says.
//!
//! In reading order: [`turn`] tells one attempt, and `turn/` has its steps; [`rules`] and [`text`] are pure;
//! [`history`] is the port to the storage; [`adapters`] talk to the model, to LINE and to AWS; on AWS `lambda` is the
//! way in.

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
