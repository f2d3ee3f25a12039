//! Answers several jobs as one question. People send three short messages instead of one: with `BURST=merge`, those
//! that wait one behind the other get one answer, from one prompt in which each stays a message of its own.
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
    conclude::conclude,
    give_up::run_to_outcome,
    limits::Limits,
    merge_result::MergeResult,
    question::{self, Drafted},
    time_budget::Attempt,
    unsend::is_forgotten,
    user,
};
use crate::{
    clients::Clients,
    config::Config,
    failure::Reason,
    history::{LastAttempt, Question, Stage, StoreResult, Turn},
    rules::message_kind::MessageKind,
    storage::Storage,
};

mod split;

/// The most jobs that are answered together: as many as SQS delivers at once.
pub const MERGE_MAX: u32 = 10;
/// The most attempts that are made together. A failure that only happens to a merge, as with a model that wants roles
/// to alternate, needs attempts one by one; and for a failure that passes, two attempts are paid for already.
const MERGE_ATTEMPTS_MAX: u32 = 2;

/// Returns the jobs that may be answered together, or none if there are not several. `bodies` are those of the first
/// jobs of a conversation that wait one behind the other.
pub fn mergeable<'a>(config: &Config, bodies: impl Iterator<Item = &'a str>) -> Vec<Job> {
    let most = if config.merges { MERGE_MAX } else { 0 };
    let questions =
        bodies.take(most as usize).map_while(|body| Job::decode(body).ok().filter(is_mergeable_job));
    let mut jobs: Vec<Job> = vec![];
    for job in questions {
        let is_same = |other: &Job| other.message_id().is_some() && other.message_id() == job.message_id();
        // Jobs that do not name the speaker may be of two people.
        let is_ones =
            |first: &Job| first.speaker == job.speaker && (job.speaker.is_some() || job.is_private());
        if !jobs.first().is_none_or(is_ones) || jobs.iter().any(is_same) {
            break;
        }
        jobs.push(job);
    }
    if jobs.len() > 1 { jobs } else { vec![] }
}

/// Makes one attempt at several jobs of one conversation.
pub(super) async fn attempt(clients: &Clients, jobs: &[Job], limits: &Limits) -> MergeResult {
    let Clients { config, storage, .. } = clients;
    let mut turns = vec![];
    let begun = within(limits, limits.deadline, begin(config, storage, jobs, &mut turns)).await;
    let attempt = Attempt::at(&turns, limits, config.give_up_after);
    let stored = match begun {
        Ok(()) => within(limits, attempt.deadline, store(clients, jobs, &attempt)).await,
        Err(not_merged) => Err(not_merged),
    };
    match stored {
        Ok(stored) => deliver(clients, jobs, &turns, stored, &attempt).await,
        Err(not_merged) => split(config, storage, jobs, &turns, not_merged, &attempt).await,
    }
}

/// Begins the turns of the jobs.
async fn begin(
    config: &Config,
    storage: &Storage,
    jobs: &[Job],
    turns: &mut Vec<Turn>,
) -> Result<(), NotMerged> {
    for job in jobs {
        let turn = storage.begin(job).await.map_err(NotMerged::Failed)?;
        let (is_mergeable, attempts) = (is_mergeable(config, &turn), turn.attempts);
        turns.push(turn);
        if !is_mergeable {
            return Err(NotMerged::NeedsOwnAttempt);
        }
        log!(debug, AttemptBegan, event = %job.event_id, attempts, "an attempt begins");
    }
    Ok(())
}

/// Drafts and stores the one answer to the messages.
async fn store(clients: &Clients, jobs: &[Job], attempt: &Attempt<'_>) -> Result<StoreResult, NotMerged> {
    let Clients { config, storage, line, .. } = clients;
    let Some((job, others)) = jobs.split_last() else { return Err(NotMerged::NeedsOwnAttempt) };
    user::learn_speaker(line, job).await;
    let mut before = vec![];
    for other in others {
        let changes = storage.conversation_changes(other).await.map_err(NotMerged::Failed)?;
        // A message that was edited or answered since needs an attempt of its own.
        let is_settled = changes.edit.is_none() && changes.answered_by.is_none() && changes.others == 0;
        if !is_settled || is_forgotten(other, &changes) {
            return Err(NotMerged::NeedsOwnAttempt);
        }
        let (event, message_id) = (other.event_id.clone(), other.message_id().cloned());
        let (text, kind) = (text(other).to_owned(), MessageKind::Text);
        let (speaker, said_at) = (user::speaker(line, other), other.at());
        before.push(Question { event, text, kind, speaker, message_id, said_at });
    }
    let failed = |error: AttemptError| NotMerged::Failed(error.failure);
    let stored = match question::draft(clients, job, text(job), before, attempt).await.map_err(failed)? {
        Drafted::Draft { draft, token_is_spent } if draft.exchange.is_some() => {
            let stored = question::store(config, storage, job, *draft, token_is_spent, attempt.by).await;
            stored.map_err(NotMerged::Failed)?
        }
        Drafted::Draft { .. } => return Err(NotMerged::NeedsOwnAttempt),
        Drafted::Ended(result) => result,
    };
    if matches!(stored, StoreResult::Stored(_)) { Ok(stored) } else { Err(NotMerged::NeedsOwnAttempt) }
}

/// Delivers the stored answer. The turns of all jobs but the last are over, and the last one continues alone.
async fn deliver(
    clients: &Clients,
    jobs: &[Job],
    turns: &[Turn],
    stored: StoreResult,
    attempt: &Attempt<'_>,
) -> MergeResult {
    let Clients { config, storage, .. } = clients;
    let merged = jobs.len() - 1;
    let (job, turn) = (&jobs[merged], &turns[merged]);
    for other in &jobs[..merged] {
        log!(info, Merged, event = %other.event_id, with = %job.event_id, "the message is answered together with a later one");
    }
    let concluded = conclude(clients, job, turn, stored, attempt);
    let outcome = run_to_outcome(config, storage, job, turn, attempt, concluded).await;
    MergeResult::Ended { merged, outcome }
}

/// Whether a turn may be merged. A turn that failed inside Henji may have failed because of another question.
fn is_mergeable(config: &Config, turn: &Turn) -> bool {
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

/// Whether a job is a question in words only: no quote, no media and no command.
fn is_mergeable_job(job: &Job) -> bool {
    let JobKind::Question { text, quotes: None, content: None, only_if_quoting_bot: false, .. } = &job.kind
    else {
        return false;
    };
    !job.kind.is_tap() && job.kind.command(text).is_none()
}

fn text(job: &Job) -> &str {
    match &job.kind {
        JobKind::Question { text, .. } => text,
        _ => "",
    }
}
