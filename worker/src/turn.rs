//! One attempt at a job, from its start to its outcome: it counts the attempt, reads the stage of the turn, drafts the
//! answer, stores it and delivers it. An event is effectively answered once: the model is never asked again for a
//! stored answer, and a delivered answer is never pushed again.
//!
//! The queue's side calls [`attempt`] and acts on the outcome; it acknowledges, hands back and dead-letters the job.
//! The steps are in the files of `turn/`.

use std::slice;

use shared::{
    event::log,
    job::{Job, JobKind},
    traces,
};
use tokio::time::timeout_at;

use self::{
    attempt_error::{AttemptError, in_doubt, out_of_time},
    conclude::conclude,
    give_up::{attempts_used_up, run_to_outcome},
    handoff::ensure_not_paused,
    limits::Limits,
    merge_result::MergeResult,
    not_begun::not_begun,
    time_budget::Attempt,
    unsend::is_forgotten,
};
use crate::{
    clients::Clients,
    history::{LastAttempt, Stage, Step, StoreResult, Turn},
    outcome::Outcome,
};

pub mod apology;
mod ask_model;
mod attempt_error;
mod broadcast_wait;
mod buttons;
mod command;
mod conclude;
pub mod deliver;
mod draft;
mod edit;
pub mod fallback;
mod file;
pub mod give_up;
mod handoff;
mod images;
pub mod limits;
mod line_request;
mod line_retry;
mod loading;
mod media;
pub mod merge;
pub mod merge_result;
mod not_begun;
mod notice;
mod off_thread;
mod prompt_input;
mod question;
mod quote;
mod read;
mod refusal;
mod render;
mod reply_token;
mod sending;
mod time_budget;
mod unsend;
mod user;

/// The id of the event whose attempts panic in a debug build, so that stories can test which jobs a panic affects.
const PANIC_EVENT_ID: &str = "henji-panics";

/// Makes one attempt at one job, or at several jobs of one conversation that wait one behind the other.
pub async fn attempt(clients: &Clients, jobs: &[Job], limits: &Limits) -> MergeResult {
    debug_assert!(
        !jobs.iter().any(|job| job.event_id.as_str() == PANIC_EVENT_ID),
        "the event of this id panics"
    );
    match jobs {
        [job] => MergeResult::Ended { merged: 0, outcome: attempt_one(clients, job, limits).await },
        several => merge::attempt(clients, several, limits).await,
    }
}

async fn attempt_one(clients: &Clients, job: &Job, limits: &Limits) -> Outcome {
    let Clients { config, storage, .. } = clients;
    let text = match &job.kind {
        JobKind::Question { text, .. } => text,
        JobKind::NotUnderstood | JobKind::Follow { .. } | JobKind::Join => {
            return notice::give(clients, job).await;
        }
        JobKind::Unfollow | JobKind::Unsend { .. } | JobKind::Edited { .. } => {
            return unsend::carry_out(config, storage, job, limits.deadline).await;
        }
    };
    let begun = timeout_at(limits.deadline, traces::step("begin", storage.begin(job)));
    let turn = match begun.await.unwrap_or_else(|_| Err(out_of_time())) {
        Ok(turn) => turn,
        Err(failure) => return not_begun(config, failure),
    };
    match turn.stage {
        Stage::Delivered => return Outcome::AlreadyAnswered,
        Stage::Forgotten => return Outcome::Forgotten,
        Stage::InDoubt => return Outcome::Dead { failure: in_doubt(), attempts: turn.attempts },
        Stage::Open | Stage::Stored(_) => {}
    }
    if matches!(turn.last, LastAttempt::GaveUp(_)) || turn.attempts > config.max_attempts {
        return attempts_used_up(config, storage, job, &turn).await;
    }
    if turn.last == LastAttempt::Crashed && !limits.is_alone {
        storage.record_or_log(job, Step::Withdrawn { cost: None }).await;
        return Outcome::PoisonCandidate { attempts: turn.attempts };
    }
    log!(debug, AttemptBegan, event = %job.event_id, attempts = turn.attempts, "an attempt begins");
    let attempt = Attempt::at(slice::from_ref(&turn), limits, config.give_up_after);
    let work = answer(clients, job, text, &turn, &attempt);
    run_to_outcome(config, storage, job, &turn, &attempt, work).await
}

/// Answers the job. It stores the answer first and then delivers it.
async fn answer(
    clients: &Clients,
    job: &Job,
    text: &str,
    turn: &Turn,
    attempt: &Attempt<'_>,
) -> Result<Outcome, AttemptError> {
    let (storage, deadline) = (&clients.storage, attempt.deadline);
    let late = |_| out_of_time();
    let stored = match &turn.stage {
        Stage::Open => {
            timeout_at(deadline, question::answer(clients, job, text, attempt)).await.map_err(late)??
        }
        // An earlier attempt stored the answer. Before the push, this attempt reads what happened since.
        further => match timeout_at(deadline, storage.conversation_changes(job)).await.map_err(late)?? {
            changes if matches!(changes.stage, Stage::InDoubt | Stage::Forgotten) => {
                StoreResult::Existing(changes.stage)
            }
            changes if is_forgotten(job, &changes) => StoreResult::Forgotten,
            changes => ensure_not_paused(&clients.config, job, &changes, storage.now())
                .map(|()| StoreResult::Existing(further.clone()))?,
        },
    };
    conclude(clients, job, turn, stored, attempt).await
}
