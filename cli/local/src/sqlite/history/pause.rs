//! The pause of a chat, in the row of its conversation.

use rusqlite::{Connection, params};
use shared::job::ConversationId;
use worker::history::{Pause, PauseChange};

use super::past;

/// Changes the pause, and returns it.
pub(super) fn change(
    db: &Connection,
    of: &ConversationId,
    change: PauseChange,
) -> rusqlite::Result<Option<Pause>> {
    let before = past::conversation(db, of)?.pause;
    let after = Pause::following(before, change);
    if after != before {
        let (since, until) = after.map(|pause| (pause.since, pause.until)).unzip();
        db.prepare_cached(
            "INSERT INTO conversations (conversation, paused_since, paused_until, staff_told) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET paused_since = ?2, paused_until = ?3, staff_told = ?4",
        )?
        .execute(params![of.as_str(), since, until, after.and_then(|pause| pause.staff_told)])?;
    }
    Ok(after)
}
