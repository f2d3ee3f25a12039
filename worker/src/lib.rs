//! Stage two: *answer*. It remembers the conversation, asks the model, keeps the answer, and tells the
//! user by push, once per event whatever crashes in between.
//!
//! It refuses to know where a job comes from: SQS hands it batches on AWS, SQLite one job at a time on
//! one machine, and both call [`answer`] and act on its outcome.
//!
//! In reading order: [`answer`] tells the whole story; `attempt`, `think`, `obey`, [`ask`], `compose`, `see_and_hear`,
//! [`deliver`], [`by_reply`], `retry`, `quota`, `give_up`, [`tell`], [`forget`] and `group` are its chapters; [`prompt`],
//! [`reply`], `answer_limit`, `run_budget`, [`markdown`], [`clean`], [`redact`], [`conversation`], [`command`],
//! [`persona`], [`allowance`], [`model`] and [`locale`] are pure; [`history`] is the port it remembers through; `adapters`
//! talk to the model, to LINE and to AWS. On
//! AWS `function` makes it all from the environment, and `batch` is the way in.

#[cfg(not(panic = "unwind"))]
compile_error!("a panic in one turn must fail that turn, not the process: build with panic = \"unwind\"");

pub mod adapters;
pub mod allowance;
pub mod answer;
mod answer_limit;
pub mod ask;
mod attached;
mod attempt;
pub mod burst;
pub mod by_reply;
pub mod clean;
pub mod command;
mod compose;
pub mod config;
pub mod conversation;
pub mod deliver;
pub mod forget;
mod give_up;
mod group;
pub mod history;
pub mod locale;
pub mod markdown;
mod memory;
pub mod model;
mod obey;
pub mod outcome;
pub mod persona;
pub mod picture;
pub mod prompt;
mod quota;
pub mod redact;
pub mod reply;
mod retry;
mod retry_loop;
mod run_budget;
pub mod see_and_hear;
pub mod tell;
mod think;

#[cfg(feature = "aws")]
pub mod batch;
#[cfg(feature = "aws")]
pub mod function;
