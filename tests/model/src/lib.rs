//! Explores every order of steps of a turn, within bounds: each state that the queue, the workers, the history and
//! LINE can come to where any step may be the last one before a crash, any call may lose its answer, and people and
//! operators act at any time. Each state is held against the promises of `invariants`.
//!
//! The table of a turn is the product's own (`worker::rules::turn::apply`). The program that takes the steps is written
//! anew, once, as a function from a state to the next ones (`worker`), after `worker/src/turn.rs` and `worker/src/turn/`:
//! a change of those files needs a change here. The chaos stories hold the real program against the same promises, at random.
//!
//! The search is our own, of a hundred lines. `stateright` (0.31.0, July 2025, the last commit that is known) is the crate
//! for this and could do it. But it brings a web server and eleven more crates for one loop over a set; its checker of
//! what happens "eventually" misses cycles, so that "nothing is lost" would be stated of quiet states there as here; and
//! a table is a parameter of the search here, which puts broken ones in.
//!
//! Two jobs of the conversation are enough for each promise here. Time is told in half days, and no attempt lasts so
//! long. An operator acts on a letter only when the worker that wrote it is done with it.
//!
//! Not explored: that a change in a group is a question of its own, too; the question that is asked again (`Replaced`); media, quotes, personas and limits of
//! use; LINE's monthly limit, which is waited for; what a run costs; jobs that nobody can read; the steps within
//! forgetting a conversation, which on DynamoDB is not atomic; the jobs of an unsend, of which only the effect is
//! explored, in two steps; what SQS itself gives up; another conversation, which shares nothing but the worker.

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
