//! The thread for long reads. It has a connection of its own that cannot write.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
};

use rusqlite::{Connection, OpenFlags};

use super::{error::DatabaseError, writer::BUSY};

/// A read, which gets the connection, or the reason why there is none.
pub(super) type Read = Box<dyn FnOnce(Result<&Connection, DatabaseError>) + Send>;

/// Starts the thread. If no thread can be started, the callers get an error.
pub(super) fn start(path: Arc<Path>) -> Sender<Read> {
    let (sender, reads) = channel();
    let _ = std::thread::Builder::new().name("sqlite-read".into()).spawn(move || serve(&path, &reads));
    sender
}

fn serve(path: &Path, reads: &Receiver<Read>) {
    let mut connection = None;
    while let Ok(read) = reads.recv() {
        if connection.is_none() {
            match open(path) {
                Ok(opened) => connection = Some(opened),
                Err(error) => {
                    read(Err(error.into()));
                    continue;
                }
            }
        }
        // A read that panics is a failed read: the thread serves all the others.
        let _ =
            catch_unwind(AssertUnwindSafe(|| read(connection.as_ref().ok_or(DatabaseError::Unavailable))));
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}
