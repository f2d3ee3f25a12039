//! The deletion of rows that are past their time.

use rusqlite::Connection;
use worker::history::REMEMBERED_FOR;

use super::jobs::SqliteQueue;
use crate::sqlite::{error::DatabaseError, history::group};

/// The number of free pages that are kept for new data: 16 MiB.
const SPARE_PAGES: i64 = 4096;
/// The most pages that are given back at once. This takes some ten milliseconds, and every writer waits meanwhile.
const PAGES_AT_ONCE: i64 = 128;

impl SqliteQueue {
    /// Deletes the state of events long done and messages past their time, a thousand at a time; then the facts that
    /// were remembered beside them for as long; then gives free room back to the disk. Returns the number of rows or
    /// pages that went. The caller repeats it until this is zero.
    pub async fn sweep(&self) -> Result<usize, DatabaseError> {
        let now = (self.clock)();
        let oldest = now.checked_sub(REMEMBERED_FOR).unwrap_or_default().as_millisecond();
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
                // The other tables have no index by age, so they are searched only after the many rows are deleted.
                if turns + messages > 0 {
                    return Ok(turns + messages);
                }
                let unanswered = db.execute("DELETE FROM unanswered WHERE expires_at <= ?1", [now.as_second()])?;
                let marks = db.execute(
                    "DELETE FROM conversations WHERE persona IS NULL AND coalesce(forgotten_at, 0) < ?1
                         AND coalesce(paused_until, 0) < ?1
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

/// Gives free pages back to the disk. A file that was created before this was possible has none to give.
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
