//! Explores every order of steps of a turn, within bounds: each state of the queue, the workers, the history and LINE
//! in which any step may be the last one before a crash, any call may lose its answer, and people and operators act
//! at any time. The search checks each state with the rules of `invariants`.
//!
//! The table of a turn is the product's own (`worker::rules::turn::apply`). The program that takes the steps is
//! written again here, as a function from a state to the next ones (`worker`), after `worker/src/turn.rs` and
//! `worker/src/turn/`: a change of those files needs a change here. The chaos stories check the real program with the
//! same rules, at random.
//!
//! The search is our own, in about a hundred lines. `stateright` (0.31.0, July 2025, the last commit that is known)
//! is the crate for this and could do it. But it brings a web server and eleven more crates for one loop over a set;
//! its checker of "eventually" properties misses cycles, so that "nothing is lost" would be a rule of quiet states
//! with it, too; and our search takes the table as a parameter, so that tests can put broken tables in.
//!
//! Two jobs of the conversation are enough for each invariant here. The unit of time is half a day, and no attempt
//! lasts so long. An operator acts on a letter only after the worker that wrote it has ended.
//!
//! Not explored: an edit in a group that is a question of its own, too; a question that is asked again (`Replaced`);
//! media, quotes, personas and limits of use; the wait for LINE's monthly limit; the cost of a run; jobs that nobody
//! can read; the steps within forgetting a conversation, which on DynamoDB is not atomic; the jobs of an unsend, of
//! which only the effect is explored, in two steps; letters that SQS itself makes; another conversation, which shares
//! only the worker.

pub mod bounds;
pub mod disturbances;
pub mod history;
pub mod invariants;
pub mod line;
pub mod search;
pub mod setting;
pub mod steps;
pub mod worker;
pub mod world;
