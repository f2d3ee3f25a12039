//! The facts about a group's messages beside the conversation: edits, the turn that answered, and which messages are
//! the bot's own.

use rusqlite::{Connection, OptionalExtension, params};
use shared::job::{ConversationId, EventId, Job, MessageId};
use worker::history::{Answer, EDIT_KEPT, Edit, Stage, StoreResult};

/// Returns the facts about a message: its latest edit, unless that has expired at `now`, and the turn that answered it.
/// Times are in milliseconds.
pub(super) fn known(
    db: &Connection,
    message: &MessageId,
    now: i64,
) -> rusqlite::Result<(Option<Edit>, Option<EventId>)> {
    let mut said = db.prepare_cached(
        "SELECT content, edited_at, answered_by, updated_at FROM said WHERE message_id = ?1",
    )?;
    let row = said.query_row([message.as_str()], |row| {
        let (text, at): (Option<String>, Option<i64>) = (row.get("content")?, row.get("edited_at")?);
        let is_kept = row.get::<_, i64>("updated_at")? > now - millis();
        let edit = text.zip(at).filter(|_| is_kept).map(|(text, at)| Edit { text, at });
        let answered_by: Option<String> = row.get("answered_by")?;
        Ok((edit, answered_by.and_then(|event| event.try_into().ok())))
    });
    Ok(row.optional()?.unwrap_or_default())
}

/// Keeps the newest text of an edited message that is not answered.
pub(super) fn edit(
    db: &Connection,
    of: &ConversationId,
    message: &MessageId,
    edit: &Edit,
    now: i64,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO said (message_id, conversation, content, edited_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET content = ?3, edited_at = ?4, updated_at = ?5
         WHERE answered_by IS NULL AND coalesce(edited_at < ?4, TRUE)",
    )?
    .execute(params![message.as_str(), of.as_str(), edit.text, edit.at, now])?;
    Ok(())
}

/// Notes an edit of an answered message by its time; returns false if a later one was noted before.
pub(super) fn is_newest_edit(db: &Connection, message: &MessageId, at: i64) -> rusqlite::Result<bool> {
    let noted = db
        .prepare_cached(
            "UPDATE said SET edited_at = ?2 WHERE message_id = ?1 AND coalesce(edited_at <= ?2, TRUE)",
        )?
        .execute(params![message.as_str(), at])?;
    Ok(noted > 0)
}

/// Returns the messages that an answer answers, with their turns and the edit that was seen of each. A message to which
/// the bot says nothing is not answered. In a private chat the result is empty, because only groups need these facts.
fn answered<'a>(
    job: &'a Job,
    answer: &'a Answer,
) -> impl Iterator<Item = (&'a EventId, &'a MessageId, Option<i64>)> {
    let is_said = answer.exchange.is_some() || !answer.pushes.is_empty();
    let own = job.message_id().map(|id| (&job.event_id, id, answer.edit));
    let others = answer.exchange.iter().flat_map(|exchange| &exchange.questions);
    let others = others.filter(|said| said.event != job.event_id);
    let others = others.filter_map(|said| Some((&said.event, said.message_id.as_ref()?, None)));
    own.into_iter().chain(others).filter(move |_| is_said && !job.is_private())
}

/// Returns why an answer must not be stored, if so: a message was edited, or answered by another turn.
pub(super) fn refuses(db: &Connection, job: &Job, answer: &Answer) -> rusqlite::Result<Option<StoreResult>> {
    for (event, message, seen) in answered(job, answer) {
        // An expired edit counts here, too.
        let (edit, answered_by) = known(db, message, i64::MIN / 2)?;
        if answered_by.is_some_and(|by| by != *event) {
            return Ok(Some(StoreResult::Existing(Stage::Delivered)));
        }
        if edit.is_some_and(|edit| seen.is_none_or(|seen| edit.at > seen)) {
            return Ok(Some(StoreResult::Changed));
        }
    }
    Ok(None)
}

/// Marks the messages of an answer as answered, and deletes the words of their edits. The time of the newest edit that
/// the answer has stays, so that an older one which comes later changes nothing.
pub(super) fn mark(db: &Connection, job: &Job, answer: &Answer, now: i64) -> rusqlite::Result<()> {
    let mut mark = db.prepare_cached(
        "INSERT INTO said (message_id, conversation, answered_by, updated_at, edited_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET content = NULL, answered_by = ?3, updated_at = ?4,
             edited_at = coalesce(max(edited_at, ?5), ?5, edited_at)",
    )?;
    for (event, message, seen) in answered(job, answer) {
        mark.execute(params![message.as_str(), job.conversation.as_str(), event.as_str(), now, seen])?;
    }
    Ok(())
}

/// Deletes the words of messages that were edited until then.
pub(super) fn forget(db: &Connection, of: &ConversationId, until: i64) -> rusqlite::Result<()> {
    db.execute(
        "DELETE FROM said WHERE conversation = ?1 AND content IS NOT NULL AND edited_at <= ?2",
        params![of.as_str(), until],
    )?;
    Ok(())
}

/// Deletes the facts about an unsent message.
pub(super) fn forget_message(db: &Connection, message: &MessageId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM said WHERE message_id = ?1")?.execute([message.as_str()])?;
    Ok(())
}

/// Remembers messages as the bot's own.
pub(super) fn remember_own(db: &Connection, messages: &[MessageId], now: i64) -> rusqlite::Result<()> {
    let mut own = db.prepare_cached("INSERT OR IGNORE INTO own_messages (message_id, at) VALUES (?1, ?2)")?;
    messages.iter().try_for_each(|message| own.execute(params![message.as_str(), now]).map(drop))
}

/// Whether a message is the bot's own.
pub(super) fn is_own(db: &Connection, message: &MessageId) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM own_messages WHERE message_id = ?1")?.exists([message.as_str()])
}

/// Whether a message was unsent.
pub(super) fn is_unsent(db: &Connection, message_id: Option<&MessageId>) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT 1 FROM unsent WHERE message_id = ?1")?
        .exists([message_id.map(MessageId::as_str)])
}

/// Deletes the facts that have expired at `now`: the words of edits after a day, and all others that are older than
/// `oldest`.
pub fn sweep(db: &Connection, now: i64, oldest: i64) -> rusqlite::Result<usize> {
    let words =
        db.execute("DELETE FROM said WHERE content IS NOT NULL AND updated_at < ?1", [now - millis()])?;
    let said = db.execute("DELETE FROM said WHERE updated_at < ?1", [oldest])?;
    let own = db.execute("DELETE FROM own_messages WHERE at < ?1", [oldest])?;
    Ok(words + said + own)
}

fn millis() -> i64 {
    i64::try_from(EDIT_KEPT.as_millis()).unwrap_or(i64::MAX)
}
