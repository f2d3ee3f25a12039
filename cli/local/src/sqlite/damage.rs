//! The check whether the database is whole. It runs before anything is written to the database, so that the remains of
//! a damaged one stay as they are.

use std::{path::Path, sync::mpsc, time::Duration};

use rusqlite::{Connection, ErrorCode};
use shared::event::log;

use super::error::DatabaseError;

/// The time that the check may take at a start. It reads about a gigabyte in this time.
const TIME: Duration = Duration::from_secs(5);

/// Fails if the file at `path` is empty or missing and its write-ahead log is not: SQLite would delete the log.
pub(super) fn check_files(path: &Path) -> Result<(), DatabaseError> {
    let size = |path: &Path| path.metadata().map_or(0, |it| it.len());
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if size(path) == 0 && size(Path::new(&log)) > 0 {
        return Err(DatabaseError::Damaged("it is empty, and its write-ahead log is not".to_owned()));
    }
    Ok(())
}

/// Fails if a page of the database or of its write-ahead log is not as it should be, or another program wrote it.
pub(super) fn check(connection: &Connection) -> Result<(), DatabaseError> {
    if is_foreign(connection)? {
        return Err(DatabaseError::Damaged("another program wrote it, or its write-ahead log".to_owned()));
    }
    first_fault(connection)?.map_or(Ok(()), |fault| Err(DatabaseError::Damaged(fault)))
}

/// Whether there are tables, but no version of this program's schema.
fn is_foreign(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT user_version = 0 AND EXISTS (SELECT 1 FROM sqlite_master) FROM pragma_user_version",
        [],
        |row| row.get(0),
    )
}

/// Returns the first fault that is found in time.
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
    // The timer ends here, before anything else is done that it could interrupt.
    let _ = timer.join();
    match found {
        Ok(found) if found == "ok" => Ok(None),
        // The last line is enough: a line before it names the database, which is always `main` here.
        Ok(found) => Ok(found.lines().last().map(str::to_owned)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
            log!(warn, CheckedInPart, "the database is large: only a part of it was checked for damage");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
