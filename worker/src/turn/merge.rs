//! Answers several jobs as one question. People send several images at once, and write about them afterwards: these are
//! one question. People also send three short messages instead of one: with `BURST=merge`, those that wait one behind the
//! other get one answer, from one prompt in which each stays a message of its own.
//!
//! [`gather::gather`] finds the jobs, before any of them begins. Images wait a few seconds for more (`rules/waiting.rs`).
//!
//! Each job begins a turn of its own, and they share one transaction: it stores the answer with the turn of the last
//! job and ends the turns of the others. From then on, the answer belongs to that one job alone, as if the others had
//! never waited. Every other case is answered one by one, so that only those attempts handle giving up, poison jobs and
//! dead letters.

use shared::{
    event::log,
    job::{Job, JobKind},
};
use tokio::time::timeout_at;

use self::split::{NotMerged, split};
use super::{
    attempt_error::{AttemptError, out_of_time},
    conclude::{conclude, end_in_silence},
    give_up::run_to_outcome,
    limits::Limits,
    merge_result::MergeResult,
    question::{self, DRAFTS, Drafted},
    time_budget::Attempt,
    unsend::is_forgotten,
    user,
};
use crate::{
    clients::Clients,
    config::Config,
    failure::Reason,
    history::{LastAttempt, Question, Stage, StoreResult, Turn},
    rules::{
        message_kind::{MessageKind, kept},
        waiting::{has_images, set_of},
    },
    storage::Storage,
};

pub mod gather;
mod split;

/// The most attempts that are made together at texts. A failure that only happens to a merge, as with a model that wants
/// roles to alternate, needs attempts one by one; and for a failure that passes, two attempts are paid for already.
/// Images are one message to the model, and are tried and given up together.
const MERGE_ATTEMPTS_MAX: u32 = 2;

/// Makes one attempt at several jobs of one conversation.
pub(super) async fn attempt(clients: &Clients, jobs: &[Job], limits: &Limits) -> MergeResult {
    let Clients { config, storage, .. } = clients;
    let mut turns = vec![];
    let begun = within(limits, limits.deadline, begin(config, storage, jobs, &mut turns, limits)).await;
    let mut attempt = Attempt::at(&turns, limits, config.give_up_after);
    let deadline = attempt.deadline;
    let stored = match begun {
        Ok(()) => within(limits, deadline, answer(clients, jobs, &mut turns, &mut attempt)).await,
        Err(not_merged) => Err(not_merged),
    };
    match stored {
        Ok((last, stored)) => deliver(clients, &jobs[..=last], &turns[last], stored, &attempt).await,
        Err(not_merged) => split(config, storage, jobs, &turns, not_merged, &attempt).await,
    }
}

/// Begins the turns of the jobs.
async fn begin(
    config: &Config,
    storage: &Storage,
    jobs: &[Job],
    turns: &mut Vec<Turn>,
    limits: &Limits,
) -> Result<(), NotMerged> {
    for job in jobs {
        let turn = storage.begin(job).await.map_err(NotMerged::Failed)?;
        let is_fit = is_mergeable(config, &turn, has_images(jobs));
        let (attempts, has_crashed) = (turn.attempts, turn.last == LastAttempt::Crashed);
        turns.push(turn);
        if !is_fit {
            return Err(NotMerged::NeedsOwnAttempt);
        }
        if has_crashed && !limits.is_alone {
            return Err(NotMerged::PoisonCandidate { attempts });
        }
        log!(debug, AttemptBegan, event = %job.event_id, attempts, "an attempt begins");
    }
    Ok(())
}

/// Drafts and stores the one answer to the messages. Returns it with the place of its job. Images that are unsent or
/// forgotten meanwhile end in silence, and the others are answered without them.
async fn answer(
    clients: &Clients,
    jobs: &[Job],
    turns: &mut [Turn],
    attempt: &mut Attempt<'_>,
) -> Result<(usize, StoreResult), NotMerged> {
    for _ in 0..DRAFTS {
        let mut left = vec![];
        for (at, job) in jobs.iter().enumerate() {
            let changes = clients.storage.conversation_changes(job).await.map_err(NotMerged::Failed)?;
            let is_gone = is_forgotten(job, &changes) || changes.stage == Stage::Forgotten;
            // A message that was edited or answered since needs an attempt of its own.
            let is_settled = changes.edit.is_none() && changes.answered_by.is_none() && changes.others == 0;
            match (is_gone, has_images(jobs)) {
                (false, _) if is_settled => left.push(at),
                (true, true) => {
                    end_in_silence(&clients.storage, job).await.map_err(failed)?;
                    turns[at].stage = Stage::Forgotten;
                }
                _ => return Err(NotMerged::NeedsOwnAttempt),
            }
        }
        let Some((&last, others)) = left.split_last() else { break };
        attempt.leads(&turns[last]);
        let others: Vec<&Job> = others.iter().map(|&at| &jobs[at]).collect();
        match store(clients, &jobs[last], &others, attempt).await? {
            stored @ StoreResult::Stored(_) => return Ok((last, stored)),
            StoreResult::Forgotten | StoreResult::Changed if has_images(jobs) => {}
            _ => break,
        }
    }
    Err(NotMerged::NeedsOwnAttempt)
}

fn failed(error: AttemptError) -> NotMerged {
    NotMerged::Failed(error.failure)
}

/// Drafts and stores the answer to a job and to the others before it.
async fn store(
    clients: &Clients,
    job: &Job,
    others: &[&Job],
    attempt: &Attempt<'_>,
) -> Result<StoreResult, NotMerged> {
    let Clients { config, storage, line, .. } = clients;
    user::learn_speaker(line, job).await;
    let before = others.iter().map(|other| Question {
        event: other.event_id.clone(),
        text: kept(&other.kind).unwrap_or_default().into_owned(),
        kind: MessageKind::of(&other.kind),
        speaker: user::speaker(line, other),
        message_id: other.message_id().cloned(),
        said_at: other.at(),
        asked_with: vec![],
        image_set: set_of(other).map(|set| set.id.clone()),
    });
    let drafted =
        question::draft(clients, job, text(job), before.collect(), attempt).await.map_err(failed)?;
    match drafted {
        // A notice about the images is one for all of them.
        Drafted::Draft { mut draft, token_is_spent } if draft.exchange.is_some() || draft.is_about_images => {
            draft.merged = others.iter().map(|other| other.event_id.clone()).collect();
            let stored = question::store(config, storage, job, *draft, token_is_spent, attempt.by).await;
            stored.map_err(NotMerged::Failed)
        }
        Drafted::Draft { .. } => Err(NotMerged::NeedsOwnAttempt),
        Drafted::Ended(result) => Ok(result),
    }
}

/// Delivers the stored answer. The turns of all jobs but the last are over, and the last one continues alone.
async fn deliver(
    clients: &Clients,
    jobs: &[Job],
    turn: &Turn,
    stored: StoreResult,
    attempt: &Attempt<'_>,
) -> MergeResult {
    let Clients { config, storage, .. } = clients;
    let merged = jobs.len() - 1;
    let job = &jobs[merged];
    for other in &jobs[..merged] {
        log!(info, Merged, event = %other.event_id, with = %job.event_id, "the message is answered together with a later one");
    }
    let concluded = conclude(clients, job, turn, stored, attempt);
    let outcome = run_to_outcome(config, storage, job, turn, attempt, concluded).await;
    MergeResult::Ended { merged, outcome }
}

/// Whether a turn may be merged. A turn that failed inside Henji may have failed because of another question. An image
/// that was forgotten spoils no other.
fn is_mergeable(config: &Config, turn: &Turn, has_images: bool) -> bool {
    if has_images {
        let is_open = matches!(turn.stage, Stage::Open | Stage::Forgotten);
        return is_open
            && !matches!(turn.last, LastAttempt::GaveUp(_))
            && turn.attempts <= config.max_attempts;
    }
    let is_clear = match turn.last {
        LastAttempt::None => true,
        LastAttempt::Failed(reason) => reason != Reason::Internal,
        LastAttempt::Crashed | LastAttempt::GaveUp(_) => false,
    };
    turn.stage == Stage::Open
        && is_clear
        && turn.attempts < config.max_attempts
        && turn.attempts <= MERGE_ATTEMPTS_MAX
}

/// Does the work until the deadline, or until the process stops.
async fn within<T>(
    limits: &Limits,
    deadline: tokio::time::Instant,
    work: impl Future<Output = Result<T, NotMerged>>,
) -> Result<T, NotMerged> {
    tokio::select! {
        done = timeout_at(deadline, work) => done.unwrap_or_else(|_| Err(NotMerged::Failed(out_of_time()))),
        () = limits.stop.cancelled() => Err(NotMerged::Stopped),
    }
}

fn text(job: &Job) -> &str {
    match &job.kind {
        JobKind::Question { text, .. } => text,
        _ => "",
    }
}
