//! Finding a quoted message: a person's question by its message id, and an answer by the ids of the messages as which it
//! was sent.

use rusqlite::{Connection, OptionalExtension, Row, params};
use shared::job::{ConversationId, EventId, MessageId};
use worker::{
    history::{QUOTABLE_ROWS, Quote, Quoted, QuotedWords, row_id},
    rules::conversation::{Message, Role},
    rules::message_kind::MessageKind,
};

/// Keeps the ids of the messages as which an answer was sent, if the answer is part of a conversation.
pub(super) fn keep_own(db: &Connection, event: &EventId, own: &[MessageId]) -> rusqlite::Result<()> {
    if own.is_empty() {
        return Ok(());
    }
    let own = serde_json::to_string(own).unwrap_or_default();
    let id = row_id(event, Role::Assistant).to_string();
    db.prepare_cached("UPDATE messages SET own_ids = ?2 WHERE id = ?1")?.execute([id, own])?;
    Ok(())
}

/// Returns the message that a question quotes.
pub(super) fn find(
    db: &Connection,
    of: &ConversationId,
    quote: &Quote,
    now: i64,
) -> rusqlite::Result<Option<Quoted>> {
    let message_id = match quote {
        Quote::Of(message_id) => Some(message_id.clone()),
        Quote::In(event) => quoted_in(db, of, event)?,
    };
    let Some(message_id) = message_id else { return Ok(None) };
    let words = match said(db, of, &message_id, now)? {
        Some(words) => Some(words),
        None => unanswered(db, of, &message_id, now)?,
    };
    Ok(Some(Quoted { message_id, words }))
}

/// Returns the message that the question of a turn quotes.
fn quoted_in(db: &Connection, of: &ConversationId, event: &EventId) -> rusqlite::Result<Option<MessageId>> {
    let mut quotes = db.prepare_cached(
        "SELECT quotes FROM messages WHERE conversation = ?1 AND event_id = ?2 AND quotes IS NOT NULL
         UNION ALL SELECT quotes FROM unanswered WHERE conversation = ?1 AND event_id = ?2 AND quotes IS NOT NULL",
    )?;
    let id: Option<String> = quotes.query_row([of.as_str(), event.as_str()], |row| row.get(0)).optional()?;
    Ok(id.and_then(|id| id.try_into().ok()))
}

/// Returns the words of a question or an answer among the newest rows of a conversation.
fn said(
    db: &Connection,
    of: &ConversationId,
    message_id: &MessageId,
    now: i64,
) -> rusqlite::Result<Option<QuotedWords>> {
    let mut newest = db.prepare_cached(
        "SELECT role, content, kind, speaker, message_id, own_ids FROM (
             SELECT * FROM messages WHERE conversation = ?1 AND (expires_at IS NULL OR expires_at > ?2)
             ORDER BY created_at DESC LIMIT ?3)
         WHERE role = 'user' AND message_id = ?4 OR role = 'assistant' AND instr(own_ids, ?4)",
    )?;
    let mut rows = newest.query(params![of.as_str(), now, QUOTABLE_ROWS, message_id.as_str()])?;
    while let Some(row) = rows.next()? {
        let Some(role) = Role::of_row(row.get_ref("role")?.as_str()?) else { continue };
        let own: Option<String> = row.get("own_ids")?;
        let own: Vec<String> = own.and_then(|own| serde_json::from_str(&own).ok()).unwrap_or_default();
        let place = own.iter().position(|id| id == message_id.as_str());
        let (place, of) = match (role, place) {
            (Role::Assistant, Some(place)) => (place, own.len()),
            (Role::Assistant, None) => continue,
            (Role::User | Role::System, _) => (0, 1),
        };
        let said_in = row.get::<_, Option<String>>("message_id")?.and_then(|id| id.try_into().ok());
        return Ok(Some(QuotedWords { message: message(row, role)?, place, of, said_in }));
    }
    Ok(None)
}

/// Returns the words of the unanswered question.
fn unanswered(
    db: &Connection,
    of: &ConversationId,
    message_id: &MessageId,
    now: i64,
) -> rusqlite::Result<Option<QuotedWords>> {
    let mut kept = db.prepare_cached(
        "SELECT question AS content, kind, speaker FROM unanswered
         WHERE conversation = ?1 AND message_id = ?2 AND expires_at > ?3",
    )?;
    let row = kept.query_row(params![of.as_str(), message_id.as_str(), now], |row| message(row, Role::User));
    let said_in = Some(message_id.clone());
    Ok(row.optional()?.map(|message| QuotedWords { message, place: 0, of: 1, said_in }))
}

fn message(row: &Row<'_>, role: Role) -> rusqlite::Result<Message> {
    let content: String = row.get("content")?;
    let kind = MessageKind::of_row(row.get_ref("kind")?.as_str_or_null()?, &content);
    Ok(Message { role, content, kind, speaker: row.get("speaker")? })
}
