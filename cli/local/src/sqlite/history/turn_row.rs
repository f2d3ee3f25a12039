//! The row of a turn: the conversion between the table's columns and the state that `worker::rules::turn` decides
//! about.
//!
//! The bodies of the pushes are read only if an attempt needs them, and written only with the answer.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use worker::{
    failure::Reason,
    history::{LastAttempt, PushProgress, PushState, RunCost, SendMethod, Stage},
    rules::turn::TurnState,
};

use crate::sqlite::rows::{millis, time};

macro_rules! select {
    ($more:literal) => {
        concat!(
            "SELECT stage, pushed, unknown_since, by_reply, told_at, run, attempts, failed, gave_up, ",
            "quota_since, waited_ms, paid_calls, begun",
            $more,
            " FROM turns WHERE event_id = ?1"
        )
    };
}

macro_rules! update {
    ($more:literal) => {
        concat!(
            "UPDATE turns SET updated_at = ?2, pushed = ?3, unknown_since = ?4, by_reply = ?5, told_at = ?6, ",
            "attempts = ?7, failed = ?8, gave_up = ?9, quota_since = ?10, waited_ms = ?11, paid_calls = ?12",
            $more,
            " WHERE event_id = ?1"
        )
    };
}

/// Reads the turn of an event; `None` if it has no row.
pub(super) fn read(db: &Connection, event: &str) -> rusqlite::Result<Option<TurnState>> {
    db.prepare_cached(select!(""))?.query_row([event], state).optional()
}

/// Reads the same, and the turn's stage with the bodies of its pushes.
pub(super) fn read_with_pushes(db: &Connection, event: &str) -> rusqlite::Result<Option<(TurnState, Stage)>> {
    let mut select = db.prepare_cached(select!(", pushes"))?;
    let row = select.query_row([event], |row| {
        let turn = state(row)?;
        let bodies = match turn.stage {
            Stage::Stored(_) => row.get::<_, Option<String>>(13)?.unwrap_or_default(),
            Stage::Open | Stage::Delivered | Stage::Forgotten | Stage::InDoubt => String::new(),
        };
        let stage = turn.stage.map(|it| it.of(serde_json::from_str(&bodies).unwrap_or_default()));
        Ok((turn, stage))
    });
    row.optional()
}

/// Adds the row of a turn, or updates it when an attempt begins. A new row gets its stage too; a row that exists keeps
/// its stage.
pub(super) fn put(
    db: &Connection,
    event: &str,
    conversation: Option<&str>,
    state: &TurnState,
    now: i64,
) -> rusqlite::Result<()> {
    let (failed, gave_up) = reasons(state.last);
    db.prepare_cached(
        "INSERT INTO turns (event_id, conversation, updated_at, run, attempts, failed, gave_up, quota_since, waited_ms,
             paid_calls, begun, stage)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT DO UPDATE SET conversation = ?2, updated_at = ?3, run = ?4, attempts = ?5, failed = ?6,
             gave_up = ?7, quota_since = ?8, waited_ms = ?9, paid_calls = ?10, begun = ?11",
    )?
    .execute(params![
        event,
        conversation,
        now,
        state.run,
        state.attempts,
        failed,
        gave_up,
        state.quota_since.map(Timestamp::as_millisecond),
        millis(state.cost.waited),
        state.cost.paid_calls,
        state.begun,
        code(state.stage),
    ])?;
    Ok(())
}

/// Writes the turn after a step, if it has a row. If the step changes its stage, `bodies` are the bodies of the pushes
/// that it has from now on.
pub(super) fn write(
    db: &Connection,
    event: &str,
    before: &TurnState,
    after: &TurnState,
    bodies: Option<&str>,
    now: i64,
) -> rusqlite::Result<()> {
    let (failed, gave_up) = reasons(after.last);
    let (pushed, unknown_since, by_reply) = match after.stage {
        Stage::Stored(PushProgress { pushed, state, method }) => {
            (pushed, state.unknown_since(), method_code(method))
        }
        Stage::Open | Stage::Delivered | Stage::Forgotten | Stage::InDoubt => (0, None, 0),
    };
    let millis_of = |time: Option<Timestamp>| time.map(Timestamp::as_millisecond);
    let values: &[&dyn ToSql] = params![
        event,
        now,
        pushed,
        millis_of(unknown_since),
        by_reply,
        millis_of(after.notified_at),
        after.attempts,
        failed,
        gave_up,
        millis_of(after.quota_since),
        millis(after.cost.waited),
        after.cost.paid_calls,
        code(after.stage),
        bodies,
    ];
    if code(before.stage) == code(after.stage) {
        db.prepare_cached(update!(""))?.execute(&values[..12])?;
    } else {
        db.prepare_cached(update!(", stage = ?13, pushes = ?14"))?.execute(values)?;
    }
    Ok(())
}

fn state(row: &Row<'_>) -> rusqlite::Result<TurnState> {
    let at = |column: usize| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(time))
    };
    let reason = |column: usize| -> rusqlite::Result<Option<Reason>> {
        let word: Option<String> = row.get(column)?;
        Ok(word.and_then(|word| serde_json::from_value(word.into()).ok()))
    };
    let stage = match row.get(0)? {
        0 => Stage::Open,
        1 => Stage::Stored(PushProgress {
            pushed: row.get(1)?,
            state: PushState::of_row(at(2)?),
            method: match row.get(3)? {
                0 => SendMethod::Push,
                2 => SendMethod::ReplyOnly,
                _ => SendMethod::ReplyToken,
            },
        }),
        3 => Stage::Forgotten,
        4 => Stage::InDoubt,
        _ => Stage::Delivered,
    };
    let attempts = row.get(6)?;
    let waited: i64 = row.get(10)?;
    let waited = Duration::from_millis(u64::try_from(waited).unwrap_or(0));
    Ok(TurnState {
        stage,
        notified_at: at(4)?,
        run: row.get(5)?,
        attempts,
        begun: row.get(12)?,
        last: LastAttempt::of_row(attempts, reason(7)?, reason(8)?),
        quota_since: at(9)?,
        cost: RunCost { waited, paid_calls: row.get(11)? },
    })
}

/// Returns the number of a stage in its column.
fn code(stage: Stage<PushProgress>) -> u8 {
    match stage {
        Stage::Open => 0,
        Stage::Stored(_) => 1,
        Stage::Delivered => 2,
        Stage::Forgotten => 3,
        Stage::InDoubt => 4,
    }
}

/// Returns the number of a send method in the column `by_reply`. Earlier versions read all but 0 as the reply token.
fn method_code(method: SendMethod) -> u8 {
    match method {
        SendMethod::Push => 0,
        SendMethod::ReplyToken => 1,
        SendMethod::ReplyOnly => 2,
    }
}

/// Returns the columns `failed` and `gave_up` of the newest attempt.
fn reasons(last: LastAttempt) -> (Option<&'static str>, Option<&'static str>) {
    match last {
        LastAttempt::None | LastAttempt::Crashed => (None, None),
        LastAttempt::Failed(reason) => (Some(reason.as_str()), None),
        LastAttempt::GaveUp(reason) => (None, Some(reason.as_str())),
    }
}
