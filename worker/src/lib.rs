//! Stage two: *answer*. It remembers the conversation, asks the model, keeps the answer, and tells the
//! user by push, once per event whatever crashes in between.
//!
//! It refuses to know where a job comes from: SQS hands it batches on AWS, SQLite one job at a time on
//! one machine, and both call [`answer`] and act on its outcome.
//!
//! In reading order: [`answer`] tells the whole story; `attempt`, `think`, `obey`, [`ask`], `compose`, `see_and_hear`,
//! [`deliver`], [`by_reply`], `retry`, `quota`, `give_up`, [`tell`], [`forget`] and `group` are its chapters; [`prompt`],
//! [`reply`], `answer_limit`, `run_budget`, [`markdown`], [`clean`], [`redact`], [`conversation`], [`command`],
//! [`persona`], [`quota`], [`model`] and [`locale`] are pure; [`history`] is the port it remembers through; `adapters`
//! talk to the model, to LINE and to AWS. On
//! AWS `function` makes it all from the environment, and `batch` is the way in.

#[cfg(not(panic = "unwind"))]
compile_error!("a panic in one turn must fail that turn, not the process: build with panic = \"unwind\"");

pub mod adapters;
pub mod clock;
pub mod config;
pub mod failure;
pub mod history;
pub mod locale;
pub mod outcome;
mod retry_loop;
mod retry_pauses;
pub mod rules;
pub mod text;
pub mod turn;

#[cfg(feature = "aws")]
pub mod lambda;
