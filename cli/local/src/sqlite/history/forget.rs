//! The deletion of messages that are forgotten or unsent.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use shared::job::{ConversationId, MessageId};
use worker::{
    history::{Forget, ForgetMarker, PauseChange, Stage},
    rules::{
        conversation::stamp,
        turn::{TurnStep, apply},
    },
};

use super::{group, past, pause, turn, turn_row};

pub(super) fn forget(
    db: &Connection,
    of: &ConversationId,
    what: &Forget,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let until = match *what {
        Forget::Message(ref message_id) => return message(db, of, message_id, now.as_millisecond()),
        Forget::Messages(until) => until,
        Forget::Everything(until) => {
            db.execute(
                "UPDATE conversations SET persona = NULL, persona_said_at = NULL
                 WHERE conversation = ?1 AND coalesce(persona_said_at <= ?2, TRUE)",
                params![of.as_str(), until],
            )?;
            pause::change(db, of, PauseChange::Forgotten { until })?;
            until
        }
    };
    db.execute(
        "DELETE FROM unanswered WHERE conversation = ?1 AND coalesce(said_at <= ?2, TRUE)",
        params![of.as_str(), until],
    )?;
    group::forget(db, of, until)?;
    let before = past::mark(db, of)?;
    let marker = ForgetMarker::following(before, stamp(now, past::last(db, of, before)?), until);
    let answers = answers_said_by(db, of, until)?;
    db.execute(
        "DELETE FROM messages WHERE conversation = ?1 AND coalesce(said_at <= ?2, TRUE)",
        params![of.as_str(), until],
    )?;
    for event in answers {
        if is_owed(db, &event)? {
            answer(db, &event, now.as_millisecond())?;
        } else {
            turn::retract(db, &event, &TurnStep::ConversationForgotten, now.as_millisecond())?;
        }
    }
    past::set_mark(db, of, marker, now)
}

/// Returns the turns with an answer to something that was said until then: answers that are not delivered, answers that
/// may also answer something later, and notices that wait for their delivery.
fn answers_said_by(db: &Connection, of: &ConversationId, until: i64) -> rusqlite::Result<Vec<String>> {
    db.prepare_cached(
        "SELECT event_id FROM turns WHERE conversation = ?1 AND stage = 1 AND coalesce(
             (SELECT coalesce(said_at <= ?2, TRUE) FROM messages WHERE messages.event_id = turns.event_id LIMIT 1),
             updated_at < ?2)
         UNION SELECT answered_by FROM messages
             WHERE conversation = ?1 AND answered_by IS NOT NULL AND coalesce(said_at <= ?2, TRUE)",
    )?
    .query_map(params![of.as_str(), until], |row| row.get(0))?
    .collect()
}

/// Whether a question waits for the answer of a turn.
fn is_owed(db: &Connection, event: &str) -> rusqlite::Result<bool> {
    db.prepare_cached(
        "SELECT 1 FROM messages WHERE event_id = ?1 AND role = 'user' OR answered_by = ?1 LIMIT 1",
    )?
    .exists([event])
}

/// Forgets an unsent message and its answer.
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
    question(db, of, message_id, now)
}

/// Forgets the question of a message and its answer.
pub(super) fn question(
    db: &Connection,
    of: &ConversationId,
    message_id: &MessageId,
    now: i64,
) -> rusqlite::Result<()> {
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

/// Forgets the answer of a turn after one of its questions was deleted. If other questions wait for it and it certainly
/// has not arrived, it is made again.
fn answer(db: &Connection, event: &str, now: i64) -> rusqlite::Result<()> {
    let before = turn_row::read(db, event)?.unwrap_or_default();
    if before.stage == Stage::Open {
        return Ok(());
    }
    db.prepare_cached("DELETE FROM messages WHERE event_id = ?1 AND role = 'assistant'")?.execute([event])?;
    let is_owed = is_owed(db, event)?;
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

/// Deletes the unanswered question.
pub(super) fn unanswered(db: &Connection, of: &ConversationId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM unanswered WHERE conversation = ?1")?.execute([of.as_str()])?;
    Ok(())
}

/// Deletes the rows of a turn, and records this step, after which the turn is never answered or pushed.
pub(super) fn turn(db: &Connection, event: &str, step: &TurnStep<'_>, now: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM messages WHERE event_id = ?1")?.execute([event])?;
    turn::retract(db, event, step, now)
}

/// Keeps a persona, or removes it.
pub(super) fn choose(
    db: &Connection,
    of: &ConversationId,
    persona: Option<&str>,
    said_at: Option<i64>,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO conversations (conversation, persona, persona_said_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET persona = ?2, persona_said_at = ?3",
    )?
    .execute(params![of.as_str(), persona, said_at])?;
    Ok(())
}
