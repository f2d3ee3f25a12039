//! The health of the process: whether it would take a webhook, and how full the queue is. Both are checked at most once
//! a second, however often they are asked for.

use std::{sync::Arc, time::Duration};

use ingress::accept::BUDGET;
use serde::Serialize;
use shared::event::log;
use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{Instant, timeout},
};

use crate::sqlite::{
    Database, DatabaseError,
    queue::{Depth, SqliteQueue},
};

/// The longest time for which a report is used again.
pub const REPORT_REUSE_MAX: Duration = Duration::from_secs(1);
/// The room that the disk must have, in bytes. A webhook with a few long messages needs as much.
const ROOM: i64 = 64 << 10;

/// The health check of the database and the queue.
pub struct Health {
    database: Database,
    queue: Arc<SqliteQueue>,
    at_most_every: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<(Instant, Report)>,
    /// The last count of the queue, if there was one.
    depth: Option<Depth>,
    writing: Background<Result<(), DatabaseError>>,
    counting: Background<Result<Depth, DatabaseError>>,
}

/// The result of one check.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The depth of the queue. It is a moment old if counting takes long.
    #[serde(flatten)]
    pub depth: Option<Depth>,
    /// The reason why a webhook would not be taken, or why the queue cannot be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Health {
    /// Makes the health check of this queue, which is in this database.
    pub fn new(database: Database, queue: Arc<SqliteQueue>, at_most_every: Duration) -> Self {
        Self { database, queue, at_most_every, state: Mutex::default() }
    }

    /// Returns the newest report. This takes at most as long as a webhook may take, except for the first count of a
    /// very long queue.
    pub async fn report(&self) -> Report {
        let mut state = self.state.lock().await;
        if let Some((at, report)) = &state.last
            && at.elapsed() < self.at_most_every
        {
            return report.clone();
        }
        let was_well = state.last.as_ref().is_none_or(|(_, last)| last.error.is_none());
        let report = self.look(&mut state).await;
        match &report.error {
            Some(error) if was_well => log!(error, Unhealthy, error, "not healthy: LINE would be told 503"),
            None if !was_well => log!(info, Healthy, "healthy again"),
            _ => {}
        }
        state.last = Some((Instant::now(), report.clone()));
        report
    }

    async fn look(&self, state: &mut State) -> Report {
        let (writing, counting) = (&mut state.writing, &mut state.counting);
        // A write that has ended since the last check says nothing about the present.
        writing.0.take_if(|write| write.is_finished());
        let written = writing.within(BUDGET, || tokio::spawn(write(self.database.clone())));
        let count = || {
            let queue = self.queue.clone();
            tokio::spawn(async move { queue.depth().await })
        };
        let (written, mut counted) = tokio::join!(written, counting.within(BUDGET, count));
        let mut error = match written {
            Some(Ok(())) => None,
            Some(Err(error)) => Some(in_few_words(&error)),
            None => Some("the database does not write in time".to_owned()),
        };
        if counted.is_none() && state.depth.is_none() && error.is_none() {
            // All is well, and there is no older count to show, so this count is awaited.
            counted = state.counting.within(Duration::MAX, count).await;
        }
        match counted {
            Some(Ok(depth)) => state.depth = Some(depth),
            Some(Err(failure)) => error = error.or_else(|| Some(in_few_words(&failure))),
            None => {}
        }
        Report { depth: state.depth, error }
    }
}

/// Returns only the cause, which SQLite names.
fn in_few_words(error: &DatabaseError) -> String {
    match error {
        DatabaseError::Sqlite(cause) => cause.to_string(),
        DatabaseError::Commit(cause) => cause.to_string(),
        other => other.to_string(),
    }
}

/// Puts as much on the disk as a webhook may need, and removes it. Nobody ever sees it. If the disk has no room for it,
/// no other commit fails with it.
async fn write(database: Database) -> Result<(), DatabaseError> {
    let written = database.call_alone(|db| {
        db.prepare_cached(
            "INSERT INTO messages (id, conversation, role, content, created_at) VALUES ('', '', '', zeroblob(?1), '')",
        )?
        .execute([ROOM])?;
        db.prepare_cached("DELETE FROM messages WHERE id = ''")?.execute(())
    });
    written.await.map(drop)
}

/// Work that continues after its caller has stopped waiting. Only one such work runs at a time, so that work that hangs
/// does not pile up.
struct Background<T>(Option<JoinHandle<T>>);

impl<T> Default for Background<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Background<T> {
    /// Returns the result within this time; `None` if the work continues, or has panicked.
    async fn within(&mut self, at_most: Duration, start: impl FnOnce() -> JoinHandle<T>) -> Option<T> {
        let running = self.0.get_or_insert_with(start);
        let ended = timeout(at_most, running).await.ok()?;
        self.0 = None;
        ended.ok()
    }
}
