//! Forgetting.

use jiff::Timestamp;
use rusqlite::{Connection, params};
use shared::job::{ConversationId, MessageId};
use worker::{
    conversation::stamp,
    history::{Forget, Mark},
};

use super::{group, past};

pub(super) fn forget(
    db: &Connection,
    of: &ConversationId,
    what: &Forget,
    now: Timestamp,
) -> rusqlite::Result<()> {
    match what {
        Forget::Message(message_id) => return message(db, of, message_id, now.as_millisecond()),
        Forget::Talk => {}
        Forget::Everything => choose(db, of, None)?,
    }
    unanswered(db, of)?;
    group::forget(db, of)?;
    // Redriven, they would be answered by nobody.
    // A change of a message, which has words, has a group of its own in the queue.
    db.execute(
        "DELETE FROM letters WHERE conversation = ?1
             OR json_valid(body) AND json_extract(body, '$.conversation') = ?1",
        [of.as_str()],
    )?;
    let through = stamp(now, past::last(db, of)?);
    db.execute("DELETE FROM messages WHERE conversation = ?1", [of.as_str()])?;
    db.execute(
        "UPDATE turns SET stage = 3, pushes = NULL, unknown_since = NULL, updated_at = ?2
         WHERE conversation = ?1 AND stage = 1",
        params![of.as_str(), now.as_millisecond()],
    )?;
    past::set_mark(db, of, Mark { through, at: now })
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
    db.execute(
        "DELETE FROM letters WHERE json_valid(body)
             AND json_extract(body, '$.conversation') = ?1 AND json_extract(body, '$.messageId') = ?2",
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
        turn(db, &event, now)?;
        if let Some(other) = answered_by {
            db.prepare_cached("DELETE FROM messages WHERE event_id = ?1 AND role = 'assistant'")?
                .execute([&other])?;
            never_answered(db, &other, now)?;
        }
    }
    Ok(())
}

/// The question that found no answer.
pub(super) fn unanswered(db: &Connection, of: &ConversationId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM unanswered WHERE conversation = ?1")?.execute([of.as_str()])?;
    Ok(())
}

/// A turn with its rows: it shall never be answered nor pushed.
pub(super) fn turn(db: &Connection, event: &str, now: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM messages WHERE event_id = ?1")?.execute([event])?;
    never_answered(db, event, now)
}

/// A turn shall never be answered nor pushed.
fn never_answered(db: &Connection, event: &str, now: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO turns (event_id, stage, updated_at) VALUES (?1, 3, ?2)
         ON CONFLICT DO UPDATE SET stage = 3, pushes = NULL, unknown_since = NULL, updated_at = ?2",
    )?
    .execute(params![event, now])?;
    Ok(())
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
