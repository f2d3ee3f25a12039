//! The row of a turn: how far it got, step by step.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use shared::job::{Job, MessageId};
use worker::{
    failure::Reason,
    history::{Delivery, LastAttempt, PushState, Question, RunCost, SendMethod, Stage, Step, Turn},
};

use crate::sqlite::rows::{millis, time};

const TURN: &str = "SELECT run, begun_at, attempts, failed, gave_up, waited_ms, paid_calls, stage, pushes, pushed, unknown_since, by_reply, told_at, quota_since FROM turns WHERE event_id = ?1";

fn stage_of(row: &Row<'_>) -> rusqlite::Result<Stage> {
    let pushes = |text: Option<String>| serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
    Ok(match row.get("stage")? {
        0 => Stage::Open,
        1 => Stage::Stored(Delivery {
            pushes: pushes(row.get("pushes")?),
            pushed: row.get("pushed")?,
            state: PushState::of_row(row.get::<_, Option<i64>>("unknown_since")?.map(time)),
            method: if row.get("by_reply")? { SendMethod::ReplyToken } else { SendMethod::Push },
        }),
        3 => Stage::Forgotten,
        4 => Stage::InDoubt,
        _ => Stage::Delivered,
    })
}

/// How far an event's turn got.
pub fn stage(db: &Connection, event: &str) -> rusqlite::Result<Stage> {
    let stage = db.prepare_cached(TURN)?.query_row([event], stage_of).optional()?;
    Ok(stage.unwrap_or(Stage::Open))
}

pub(super) fn begin(db: &Connection, job: &Job, now: i64) -> rusqlite::Result<Turn> {
    let (event, run) = (job.event_id.as_str(), job.run.as_deref());
    db.prepare_cached("INSERT OR IGNORE INTO turns (event_id, run, updated_at) VALUES (?1, ?2, ?3)")?
        .execute(params![event, run, now])?;
    let mut turn = db.prepare_cached(TURN)?.query_row([event], |row| {
        let same_run = row.get::<_, Option<String>>("run")?.as_deref() == run;
        let of_run = |column: &str| -> rusqlite::Result<Option<Reason>> {
            let word: Option<String> = row.get(column)?;
            Ok(word.filter(|_| same_run).and_then(|word| reason(&word)))
        };
        let attempts = if same_run { row.get("attempts")? } else { 0 };
        Ok(Turn {
            begun_at: time(row.get::<_, Option<i64>>("begun_at")?.unwrap_or(now)),
            attempts,
            last: LastAttempt::of_row(attempts, of_run("failed")?, of_run("gave_up")?),
            quota_since: row.get::<_, Option<i64>>("quota_since")?.filter(|_| same_run).map(time),
            cost: if same_run { cost_of(row)? } else { RunCost::default() },
            stage: stage_of(row)?,
        })
    })?;
    if !turn.stage.is_over() {
        turn.attempts += 1;
        db.prepare_cached(
            "UPDATE turns SET run = ?2, attempts = ?3, failed = NULL, updated_at = ?4,
                 begun_at = coalesce(begun_at, ?4), conversation = ?5, gave_up = CASE WHEN run IS ?2 THEN gave_up END,
                 quota_since = CASE WHEN run IS ?2 THEN quota_since END, waited_ms = ?6, paid_calls = ?7
                 WHERE event_id = ?1",
        )?
        .execute(params![
            event,
            run,
            turn.attempts,
            now,
            job.conversation.as_str(),
            millis(turn.cost.waited),
            turn.cost.paid_calls
        ])?;
    }
    Ok(turn)
}

fn cost_of(row: &Row<'_>) -> rusqlite::Result<RunCost> {
    let waited: i64 = row.get("waited_ms")?;
    let waited = Duration::from_millis(u64::try_from(waited).unwrap_or(0));
    Ok(RunCost { waited, paid_calls: row.get("paid_calls")? })
}

fn reason(word: &str) -> Option<Reason> {
    serde_json::from_value(word.into()).ok()
}

pub(super) fn record(db: &Connection, event: &str, step: Step, now: i64) -> rusqlite::Result<()> {
    let update = |set: &str, values: &[&dyn rusqlite::ToSql]| {
        db.prepare_cached(&format!("UPDATE turns SET updated_at = ?2, {set} WHERE event_id = ?1"))?
            .execute(values)
    };
    let costs = |cost: Option<RunCost>| {
        let Some(RunCost { waited, paid_calls }) = cost else { return Ok(0) };
        update("waited_ms = ?3, paid_calls = ?4", params![event, now, millis(waited), paid_calls])
    };
    match step {
        Step::Pushing { pushed } => {
            is_stored(db, event)?;
            update("pushed = ?3, unknown_since = ?2, by_reply = 0", params![event, now, pushed])?;
        }
        Step::NotReplied { attempts } => {
            is_stored(db, event)?;
            let newest: u32 =
                db.query_row("SELECT attempts FROM turns WHERE event_id = ?1", [event], |row| row.get(0))?;
            if attempts != newest {
                return Err(rusqlite::Error::StatementChangedRows(0));
            }
            update("unknown_since = ?2, by_reply = 0", params![event, now])?;
        }
        Step::QuotaRefused => {
            update("quota_since = coalesce(quota_since, ?2)", params![event, now])?;
        }
        Step::Delivered => {
            update("stage = 2, pushes = NULL, unknown_since = NULL, failed = NULL", params![event, now])?;
        }
        Step::Forgotten => {
            if stage(db, event)? != Stage::InDoubt {
                update("stage = 3, pushes = NULL, unknown_since = NULL, failed = NULL", params![event, now])?;
            }
        }
        Step::Failed { reason, delivery, gave_up, cost } => {
            let reason = reason.as_str();
            update("failed = ?3", params![event, now, reason])?;
            costs(cost)?;
            if gave_up {
                update("gave_up = ?3", params![event, now, reason])?;
            }
            if let Some(Delivery { pushed, state, .. }) = delivery {
                let unknown_since = state.unknown_since().map(Timestamp::as_millisecond);
                update("pushed = ?3, unknown_since = ?4", params![event, now, pushed, unknown_since])?;
            }
        }
        Step::Withdrawn { cost } => {
            update("attempts = max(attempts - 1, 0)", params![event, now])?;
            costs(cost)?;
        }
    }
    Ok(())
}

/// An error where the answer is not stored any more.
fn is_stored(db: &Connection, event: &str) -> rusqlite::Result<()> {
    match stage(db, event)? {
        Stage::Stored(_) => Ok(()),
        _ => Err(rusqlite::Error::StatementChangedRows(0)),
    }
}

pub(super) fn mark_notified(db: &Connection, event: &str, now: i64) -> rusqlite::Result<Option<Timestamp>> {
    let is_owed = match stage(db, event)? {
        Stage::Open => true,
        Stage::Stored(delivery) => delivery.is_unsaid(),
        Stage::Delivered | Stage::Forgotten | Stage::InDoubt => false,
    };
    if !is_owed {
        return Ok(None);
    }
    db.prepare_cached("UPDATE turns SET told_at = coalesce(told_at, ?2), updated_at = ?2 WHERE event_id = ?1 RETURNING told_at")?
        .query_row(params![event, now], |row| row.get(0))
        .map(|first| Some(time(first)))
}

/// Keeps a question that found no answer.
pub(super) fn keep_unanswered(
    db: &Connection,
    job: &Job,
    question: &Question,
    until: i64,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO unanswered (conversation, event_id, message_id, question, speaker, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        job.conversation.as_str(),
        job.event_id.as_str(),
        job.message_id().map(MessageId::as_str),
        question.text,
        question.speaker,
        until
    ])?;
    Ok(())
}
