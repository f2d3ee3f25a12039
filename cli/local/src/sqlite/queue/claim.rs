//! Taking jobs for an attempt: edits, unsends and forgets first, then the rest in order.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use rusqlite::params;

use super::jobs::{Claimed, IN_FLIGHT, LONGEST_PAUSE, READY, SqliteQueue};
use crate::sqlite::{error::DatabaseError, rows::millis};

/// The query for due jobs. It uses an index, because it repeats the condition of the index, `state > 0`.
const DUE: &str = "SELECT seq, event_id, conversation, body, received + 1 FROM jobs
    WHERE state = ?1 AND state > 0 AND visible_at <= ?2 ORDER BY visible_at LIMIT ?3";
/// The query for due jobs that edit a message, unsend one or forget, by the names of their groups (`Job::group`). The
/// plus keeps SQLite from searching all jobs that are due.
const CHANGES_DUE: &str = "SELECT seq, event_id, conversation, body, received + 1 FROM jobs
    WHERE (conversation GLOB 'edit.*' OR conversation GLOB 'unsend.*' OR conversation GLOB 'forget.*') AND +state = ?1 AND visible_at <= ?2
    ORDER BY visible_at LIMIT ?3";
/// The update of jobs that are due later than any pause or lease lasts, because the clock was set back since. They are
/// due now.
const DUE_TOO_LATE: &str = "UPDATE jobs SET state = ?1, visible_at = ?2
    WHERE state IN (?1, ?3) AND state > 0 AND visible_at > ?4";
/// The most of these changes that are claimed at once, in places of their own.
const CHANGES_MOST: u32 = 8;

impl SqliteQueue {
    /// Takes up to `most` due jobs, each leased for `lease`. Also returns the time until the next job is due. Edits,
    /// unsends and forgets come first and have places of their own, because they must not wait behind the jobs that
    /// they change.
    pub async fn claim(
        &self,
        most: u32,
        lease: Duration,
    ) -> Result<(Vec<Claimed>, Option<Duration>), DatabaseError> {
        let now = self.now();
        // This is also true at the first look, because nobody knows what the clock said before.
        let was_set_back = self.seen.swap(now, Relaxed) > now;
        let (lease_end, latest) = (now + millis(lease), now + millis(lease.max(LONGEST_PAUSE)));
        self.database
            .call(move |db| {
                db.prepare_cached(
                    "UPDATE jobs SET state = ?1 WHERE state = ?2 AND state > 0 AND visible_at <= ?3",
                )?
                .execute(params![READY, IN_FLIGHT, now])?;
                if was_set_back {
                    db.execute(DUE_TOO_LATE, params![READY, now, IN_FLIGHT, latest])?;
                }
                let mut lease = db.prepare_cached(
                    "UPDATE jobs SET state = ?1, visible_at = ?2, received = received + 1 WHERE seq = ?3",
                )?;
                let mut claimed = vec![];
                for (due, most) in [(CHANGES_DUE, CHANGES_MOST), (DUE, most)] {
                    let mut due = db.prepare_cached(due)?;
                    let jobs = due
                        .query_map(params![READY, now, most], Claimed::of_row)?
                        .collect::<Result<Vec<_>, _>>()?;
                    for job in &jobs {
                        lease.execute(params![IN_FLIGHT, lease_end, job.seq])?;
                    }
                    claimed.extend(jobs);
                }
                let mut next =
                    db.prepare_cached("SELECT min(visible_at) FROM jobs WHERE state = ?1 AND state > 0")?;
                let next: Option<i64> = next.query_row([READY], |row| row.get(0))?;
                Ok((claimed, next.map(|at| Duration::from_millis(u64::try_from(at - now).unwrap_or(0)))))
            })
            .await
    }
}
