//! Forgetting.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use shared::job::{ConversationId, MessageId};
use worker::{
    history::{Forget, ForgetMarker, Stage},
    rules::{
        conversation::stamp,
        turn::{TurnStep, apply},
    },
};

use super::{group, past, turn, turn_row};

pub(super) fn forget(
    db: &Connection,
    of: &ConversationId,
    what: &Forget,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let until = match what {
        Forget::Message(message_id) => return message(db, of, message_id, now.as_millisecond()),
        Forget::Talk(until) => until,
        Forget::Everything(until) => {
            choose(db, of, None)?;
            until
        }
    };
    unanswered(db, of)?;
    group::forget(db, of, *until)?;
    let through = stamp(now, past::last(db, of)?);
    db.execute("DELETE FROM messages WHERE conversation = ?1", [of.as_str()])?;
    for event in stored_turns(db, of)? {
        turn::retract(db, &event, &TurnStep::ConversationForgotten, now.as_millisecond())?;
    }
    past::set_mark(db, of, ForgetMarker { through, at: now })
}

/// A message and its answer.
fn message(db: &Connection, of: &ConversationId, message_id: &MessageId, now: i64) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO unsent (message_id, at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = ?2",
        params![message_id.as_str(), now],
    )?;
    group::forget_message(db, message_id)?;
    db.execute(
        "DELETE FROM unanswered WHERE conversation = ?1 AND message_id = ?2",
        [of.as_str(), message_id.as_str()],
    )?;
    let turns = db
        .prepare_cached(
            "SELECT DISTINCT event_id, answered_by FROM messages
             WHERE conversation = ?1 AND message_id = ?2 AND event_id IS NOT NULL",
        )?
        .query_map([of.as_str(), message_id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(String, Option<String>)>, _>>()?;
    for (event, answered_by) in turns {
        match answered_by {
            None => {
                db.prepare_cached("DELETE FROM messages WHERE event_id = ?1")?.execute([&event])?;
                answer(db, &event, now)?;
            }
            Some(other) => {
                turn(db, &event, &TurnStep::Unsent, now)?;
                answer(db, &other, now)?;
            }
        }
    }
    Ok(())
}

/// The answer of a turn, one of whose questions is gone. If others wait for it, it is made again.
fn answer(db: &Connection, event: &str, now: i64) -> rusqlite::Result<()> {
    let before = turn_row::read(db, event)?.unwrap_or_default();
    if before.stage == Stage::Open {
        return Ok(());
    }
    db.prepare_cached("DELETE FROM messages WHERE event_id = ?1 AND role = 'assistant'")?.execute([event])?;
    let is_owed = db
        .prepare_cached("SELECT 1 FROM messages WHERE event_id = ?1 OR answered_by = ?1 LIMIT 1")?
        .exists([event])?;
    let Ok(after) = apply(&before, &TurnStep::AnswerUnsent { is_owed }) else { return Ok(()) };
    let rest = match after.stage {
        Stage::Open => "DELETE FROM messages WHERE event_id = ?1",
        Stage::Stored(_) | Stage::Delivered | Stage::Forgotten | Stage::InDoubt => {
            "UPDATE messages SET answered_by = NULL WHERE answered_by = ?1"
        }
    };
    db.prepare_cached(rest)?.execute([event])?;
    turn_row::write(db, event, &before, &after, None, now)
}

/// The turns of a conversation whose answers are stored and not delivered.
fn stored_turns(db: &Connection, of: &ConversationId) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached("SELECT event_id FROM turns WHERE conversation = ?1 AND stage = 1")?
        .query_map([of.as_str()], |row| row.get(0))?
        .collect()
}

/// The question that found no answer.
pub(super) fn unanswered(db: &Connection, of: &ConversationId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM unanswered WHERE conversation = ?1")?.execute([of.as_str()])?;
    Ok(())
}

/// A turn with its rows: by this step it shall never be answered nor pushed.
pub(super) fn turn(db: &Connection, event: &str, step: &TurnStep<'_>, now: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM messages WHERE event_id = ?1")?.execute([event])?;
    turn::retract(db, event, step, now)
}

/// Keeps a persona, or none.
pub(super) fn choose(db: &Connection, of: &ConversationId, persona: Option<&str>) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO conversations (conversation, persona) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET persona = ?2",
    )?
    .execute(params![of.as_str(), persona])?;
    Ok(())
}
