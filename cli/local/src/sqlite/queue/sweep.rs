//! What is past its time, and goes.

use rusqlite::Connection;
use worker::history::REMEMBERED;

use super::jobs::SqliteQueue;
use crate::sqlite::{error::DatabaseError, history::group};

/// How many free pages are kept for what comes: 16 MiB.
const SPARE_PAGES: i64 = 4096;
/// How many go at once. It takes some ten milliseconds, and whoever writes meanwhile waits.
const PAGES_AT_ONCE: i64 = 128;

impl SqliteQueue {
    /// Forgets, a thousand at a time, the state of events long done and messages past their time; and
    /// what was remembered beside them for as long; then gives the room that is free back to
    /// the disk. Returns how many rows or pages went; it is to be called until none do.
    pub async fn sweep(&self) -> Result<usize, DatabaseError> {
        let now = (self.clock)();
        let oldest = now.checked_sub(REMEMBERED).unwrap_or_default().as_millisecond();
        self.database
            .call(move |db| {
                let turns = db.execute(
                    "DELETE FROM turns WHERE event_id IN (
                         SELECT event_id FROM turns WHERE updated_at < ?1
                         AND NOT EXISTS (SELECT 1 FROM letters WHERE letters.event_id = turns.event_id)
                         LIMIT 1000)",
                    [oldest],
                )?;
                let messages = db.execute(
                    "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE expires_at <= ?1 LIMIT 1000)",
                    [now.as_second()],
                )?;
                // The rest has no index by age: it is looked through once, when the many are gone.
                if turns + messages > 0 {
                    return Ok(turns + messages);
                }
                let unanswered = db.execute("DELETE FROM unanswered WHERE expires_at <= ?1", [now.as_second()])?;
                let marks = db.execute(
                    "DELETE FROM conversations WHERE persona IS NULL AND coalesce(forgotten_at, 0) < ?1
                         AND (memory_after IS NULL OR NOT EXISTS (SELECT 1 FROM messages
                             WHERE messages.conversation = conversations.conversation))",
                    [oldest],
                )?;
                let unsent = db.execute("DELETE FROM unsent WHERE at < ?1", [oldest])?;
                let usage = db.execute("DELETE FROM usage WHERE updated_at < ?1", [oldest])?;
                let groups = group::sweep(db, now.as_millisecond(), oldest)?;
                Ok(unanswered + marks + unsent + usage + groups + shrink(db)?)
            })
            .await
    }
}

/// Gives pages back. A file that was made before this could be has none to give.
fn shrink(db: &Connection) -> rusqlite::Result<usize> {
    let free = || db.pragma_query_value(None, "freelist_count", |row| row.get::<_, i64>(0));
    let before = free()?;
    let many = (before - SPARE_PAGES).min(PAGES_AT_ONCE);
    if many <= 0 {
        return Ok(0);
    }
    db.execute_batch(&format!("PRAGMA incremental_vacuum({many})"))?;
    Ok(usize::try_from(before - free()?).unwrap_or(0))
}
