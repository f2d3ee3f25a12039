//! Whether the database is whole. It is looked at before anything is written to it, so that what is left of a
//! damaged one stays as it is.

use std::{path::Path, sync::mpsc, time::Duration};

use rusqlite::{Connection, ErrorCode};
use shared::log;

use super::error::DatabaseError;

/// How long the look may take, at a start. It reads about a gigabyte in this time.
const TIME: Duration = Duration::from_secs(5);

/// Fails where the file at `path` is empty or gone and its write-ahead log is not: SQLite would delete the log.
pub(super) fn check_files(path: &Path) -> Result<(), DatabaseError> {
    let size = |path: &Path| path.metadata().map_or(0, |it| it.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if size(path) == 0 && size(Path::new(&log)) > 0 {
        return Err(DatabaseError::Damaged("it is empty, and its write-ahead log is not".to_owned()));
    }
    Ok(())
}

/// Fails where a page of the database or of its write-ahead log is not what it should be.
pub(super) fn check(connection: &Connection) -> Result<(), DatabaseError> {
    if is_foreign(connection)? {
        return Err(DatabaseError::Damaged("another program wrote it, or its write-ahead log".to_owned()));
    }
    first_fault(connection)?.map_or(Ok(()), |fault| Err(DatabaseError::Damaged(fault)))
}

/// Whether there are tables, and no version of this program's schema.
fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT user_version = 0 AND EXISTS (SELECT 1 FROM sqlite_master) FROM pragma_user_version",
        [],
        |row| row.get(0),
    )
}

/// The first fault that is found in time.
fn first_fault(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let (done, is_done) = mpsc::channel::<()>();
    let interrupt = connection.get_interrupt_handle();
    let timer = std::thread::spawn(move || {
        if is_done.recv_timeout(TIME) == Err(mpsc::RecvTimeoutError::Timeout) {
            interrupt.interrupt();
        }
    });
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    drop(done);
    // It is over before anything else is done that it could interrupt.
    let _ = timer.join();
    match found {
        Ok(found) if found == "ok" => Ok(None),
        // A line before it names the database, which has no other name here than `main`.
        Ok(found) => Ok(found.lines().last().map(str::to_owned)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            log!(warn, CheckedInPart, "the database is large: only a part of it was checked for damage");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
