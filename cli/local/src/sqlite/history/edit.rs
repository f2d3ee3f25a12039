//! Edits of a group's messages, before their answer and after it.

use rusqlite::{Connection, params};
use shared::job::{ConversationId, MessageId};
use worker::{history::Edit, rules::message_kind::MessageKind};

use super::{forget, group};

/// Keeps the newest text of an edited message until its answer. After the answer, puts it in place of the question's;
/// without words, forgets the question with its answer.
pub(super) fn edit(
    db: &Connection,
    of: &ConversationId,
    message: &MessageId,
    edit: &Edit,
    now: i64,
) -> rusqlite::Result<()> {
    if group::is_unsent(db, Some(message))? {
        return Ok(());
    }
    let (_, answered_by) = group::known(db, message, now)?;
    if answered_by.is_none() {
        return group::edit(db, of, message, edit, now);
    }
    if !group::is_newest_edit(db, message, edit.at)? {
        return Ok(());
    }
    if edit.text.is_empty() {
        return forget::question(db, of, message, now);
    }
    db.prepare_cached(
        "UPDATE messages SET content = ?3, kind = ?4
         WHERE conversation = ?1 AND message_id = ?2 AND role = 'user'",
    )?
    .execute(params![
        of.as_str(),
        message.as_str(),
        edit.text,
        MessageKind::Text.for_row(&edit.text)
    ])?;
    Ok(())
}
