//! Removes words, and the names of files, from the queue and the dead letters, in the transaction that forgets them. The history does not use
//! these two tables.

use rusqlite::{Connection, params};
use shared::job::{ConversationId, MessageId};
use worker::history::Forget;

/// Removes the words of jobs that are unsent or forgotten. These jobs become visible at once, so that their next
/// attempt ends them. Deletes their dead letters, except those that an operator has to know. The history has forgotten
/// its own part already.
pub(super) fn redact(db: &Connection, of: &ConversationId, what: &Forget, now: i64) -> rusqlite::Result<()> {
    match what {
        Forget::Messages(until) | Forget::Everything(until) => conversation(db, of, *until, now),
        Forget::Message(message_id) => message(db, of, message_id, now),
    }
}

/// Removes the words of jobs whose messages were said before `until`, and deletes letters up to that time. A letter
/// without a time is deleted, too.
fn conversation(db: &Connection, of: &ConversationId, until: i64, now: i64) -> rusqlite::Result<()> {
    // The column `conversation` has the job's group. A job that forgets has a group of its own, and so keeps its words.
    // A forget job of an older version is in the conversation's group. It keeps its words, too, because its own time is
    // not before `until`.
    db.execute(
        "UPDATE jobs SET body = json_replace(json_set(body, '$.text', ''), '$.content.name', ''),
             visible_at = CASE state WHEN 1 THEN min(visible_at, ?3) ELSE visible_at END
         WHERE (conversation = ?1
                 OR conversation GLOB 'edit.*' AND json_valid(body) AND json_extract(body, '$.conversation') = ?1)
             AND json_valid(body) AND json_extract(body, '$.text') IS NOT NULL
             AND coalesce(json_extract(body, '$.happenedAt'), json_extract(body, '$.acceptedAt')) < ?2",
        params![of.as_str(), until, now],
    )?;
    // A letter of an edit that an older version wrote has the edit's group in this column instead of the conversation.
    db.execute(
        "DELETE FROM letters WHERE (conversation = ?1
                 OR json_valid(body) AND json_extract(body, '$.conversation') = ?1)
             AND NOT (json_valid(body)
                 AND coalesce(json_extract(body, '$.happenedAt'), json_extract(body, '$.acceptedAt'), ?2) > ?2)",
        params![of.as_str(), until],
    )?;
    Ok(())
}

fn message(db: &Connection, of: &ConversationId, message_id: &MessageId, now: i64) -> rusqlite::Result<()> {
    // The job of the message loses its words at once. If it waits for its next attempt, it waits no longer.
    db.prepare_cached(
        "UPDATE jobs SET body = json_replace(json_set(body, '$.text', ''), '$.content.name', ''),
             visible_at = CASE state WHEN 1 THEN min(visible_at, ?3) ELSE visible_at END
         WHERE conversation = ?1 AND json_valid(body) AND json_extract(body, '$.messageId') = ?2",
    )?
    .execute(params![of.as_str(), message_id.as_str(), now])?;
    // A letter stays, without its words, if other questions wait for its turn's answer, or if its turn is in doubt
    // (stage 4).
    db.execute(
        "UPDATE letters SET body = json_replace(json_set(body, '$.text', ''), '$.content.name', '') WHERE json_valid(body)
             AND json_extract(body, '$.conversation') = ?1 AND json_extract(body, '$.messageId') = ?2",
        [of.as_str(), message_id.as_str()],
    )?;
    db.execute(
        "DELETE FROM letters WHERE json_valid(body)
             AND json_extract(body, '$.conversation') = ?1 AND json_extract(body, '$.messageId') = ?2
             AND NOT EXISTS (SELECT 1 FROM messages WHERE answered_by = letters.event_id)
             AND NOT EXISTS (SELECT 1 FROM turns WHERE event_id = letters.event_id AND stage = 4)",
        [of.as_str(), message_id.as_str()],
    )?;
    Ok(())
}
