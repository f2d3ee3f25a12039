//! Takes words out of the queue and the dead letters, in the transaction that forgets them. The history knows neither
//! of the two.

use rusqlite::{Connection, params};
use shared::job::{ConversationId, MessageId};
use worker::history::Forget;

/// Jobs that are taken back or forgotten lose their words, and no longer wait: their next attempt ends them. Their dead
/// letters go, but for those that an operator has to know. The history has forgotten its own part already.
pub(super) fn redact(db: &Connection, of: &ConversationId, what: &Forget, now: i64) -> rusqlite::Result<()> {
    match what {
        Forget::Talk(until) | Forget::Everything(until) => conversation(db, of, *until, now),
        Forget::Message(message_id) => message(db, of, message_id, now),
    }
}

/// Redacts what was said until then. A letter that does not tell when it was said is deleted as well.
fn conversation(db: &Connection, of: &ConversationId, until: i64, now: i64) -> rusqlite::Result<()> {
    // The column names a job's group. A job that forgets has one of its own, and keeps its words; of an earlier version it
    // is in that of the conversation, and was not said before itself.
    db.execute(
        "UPDATE jobs SET body = json_set(body, '$.text', ''),
             visible_at = CASE state WHEN 1 THEN min(visible_at, ?3) ELSE visible_at END
         WHERE (conversation = ?1
                 OR conversation GLOB 'edit.*' AND json_valid(body) AND json_extract(body, '$.conversation') = ?1)
             AND json_valid(body) AND json_extract(body, '$.text') IS NOT NULL
             AND coalesce(json_extract(body, '$.happenedAt'), json_extract(body, '$.acceptedAt')) < ?2",
        params![of.as_str(), until, now],
    )?;
    // The letter of a changed message names the group that the change had in the queue.
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
    // Its job loses its words at once, and where it waits for its next attempt it waits no longer.
    db.prepare_cached(
        "UPDATE jobs SET body = json_set(body, '$.text', ''),
             visible_at = CASE state WHEN 1 THEN min(visible_at, ?3) ELSE visible_at END
         WHERE conversation = ?1 AND json_valid(body) AND json_extract(body, '$.messageId') = ?2",
    )?
    .execute(params![of.as_str(), message_id.as_str(), now])?;
    // A letter whose turn owes an answer to others, or is in doubt (stage 4), stays, without its words.
    db.execute(
        "UPDATE letters SET body = json_set(body, '$.text', '') WHERE json_valid(body)
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
