//! The steps of a turn. Each step reads the turn's row, asks `worker::rules::turn` for the next state, and writes the
//! row.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use shared::job::{Job, MessageId};
use worker::{
    history::{Question, Stage, Turn},
    rules::turn::{Conflict, TurnState, TurnStep, apply},
};

use super::turn_row;
use crate::sqlite::rows::time;

/// Returns the stage of an event's turn.
pub fn stage(db: &Connection, event: &str) -> rusqlite::Result<Stage> {
    Ok(turn_row::read_with_pushes(db, event)?.unwrap_or_default().1)
}

/// Returns when the user of an event was notified that there will be no answer.
pub fn notified_at(db: &Connection, event: &str) -> rusqlite::Result<Option<Timestamp>> {
    Ok(turn_row::read(db, event)?.unwrap_or_default().notified_at)
}

pub(super) fn begin(db: &Connection, job: &Job, now: i64) -> rusqlite::Result<Turn> {
    let event = job.event_id.as_str();
    let (row, stage) = turn_row::read_with_pushes(db, event)?.unwrap_or_default();
    let before = row.of_run(job.run.as_deref());
    let Ok(after) = apply(&before, &TurnStep::Begun) else {
        return Ok(before.told(&before, stage));
    };
    turn_row::put(db, event, Some(job.conversation.as_str()), &after, now)?;
    Ok(after.told(&before, stage))
}

/// Records a step of a turn, if the turn has a row.
pub(super) fn record(
    db: &Connection,
    event: &str,
    step: &TurnStep<'_>,
    now: i64,
) -> rusqlite::Result<Result<(), Conflict>> {
    let Some(before) = turn_row::read(db, event)? else {
        return Ok(apply(&TurnState::default(), step).map(drop));
    };
    match apply(&before, step) {
        Ok(after) => turn_row::write(db, event, &before, &after, None, now).map(Ok),
        Err(conflict) => Ok(Err(conflict)),
    }
}

/// Records that a message was unsent, forgotten or replaced, whether the turn has a row or not. This is always allowed.
pub(super) fn retract(db: &Connection, event: &str, step: &TurnStep<'_>, now: i64) -> rusqlite::Result<()> {
    let row = turn_row::read(db, event)?;
    let before = row.clone().unwrap_or_default();
    match apply(&before, step) {
        Ok(after) if row.is_none() => turn_row::put(db, event, None, &after, now),
        Ok(after) => turn_row::write(db, event, &before, &after, None, now),
        Err(_) => Ok(()),
    }
}

/// Allows a push of a stored answer, although LINE may have the answer and no longer knows its retry key; false if no
/// answer is stored.
pub fn risk_resending(db: &Connection, event: &str, now: i64) -> rusqlite::Result<bool> {
    Ok(record(db, event, &TurnStep::ResendRisked { now: time(now) }, now)?.is_ok())
}

/// Marks that the user is notified that there will be no answer, if no answer can have arrived.
pub(super) fn mark_notified(db: &Connection, event: &str, now: i64) -> rusqlite::Result<Option<Timestamp>> {
    let before = turn_row::read(db, event)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    let Ok(after) = apply(&before, &TurnStep::Notified { now: time(now) }) else { return Ok(None) };
    turn_row::write(db, event, &before, &after, None, now)?;
    Ok(after.notified_at)
}

/// Notes that the newest answer of the conversation waits.
pub(super) fn note_waiting(db: &Connection, job: &Job, until: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO unanswered (conversation, event_id, message_id, question, expires_at, said_at, waits)
         VALUES (?1, ?2, ?3, '', ?4, ?5, 1)",
    )?
    .execute(params![
        job.conversation.as_str(),
        job.event_id.as_str(),
        job.message_id().map(MessageId::as_str),
        until,
        job.at(),
    ])?;
    Ok(())
}

/// Deletes the note that the answer of this job waits.
pub(super) fn forget_waiting(db: &Connection, job: &Job) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM unanswered WHERE conversation = ?1 AND event_id = ?2 AND waits")?
        .execute(params![job.conversation.as_str(), job.event_id.as_str()])?;
    Ok(())
}

/// Keeps the unanswered question.
pub(super) fn keep_unanswered(
    db: &Connection,
    job: &Job,
    question: &Question,
    until: i64,
) -> rusqlite::Result<()> {
    let asked_with: Vec<_> = question.asked_with.iter().map(MessageId::as_str).collect();
    let asked_with = serde_json::to_string(&asked_with).unwrap_or_default();
    db.prepare_cached(
        "INSERT OR REPLACE INTO unanswered (conversation, event_id, message_id, question, speaker, expires_at, kind, said_at, quotes, image_set, asked_with)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        job.conversation.as_str(),
        job.event_id.as_str(),
        job.message_id().map(MessageId::as_str),
        question.text,
        question.speaker,
        until,
        question.kind.for_row(&question.text),
        question.said_at,
        job.quotes().map(MessageId::as_str),
        question.image_set,
        Some(asked_with).filter(|_| !question.asked_with.is_empty()),
    ])?;
    Ok(())
}
