//! A handle to the database, and how its file is opened.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Sender, channel},
    },
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::oneshot;

use super::{
    damage,
    error::DatabaseError,
    migrations::{self, SCHEMA},
    reader::{self, Read},
    writer::{self, BUSY, Operation, within_savepoint},
};

/// How much of the file is kept in memory, in KiB.
const CACHE_KIB: i64 = 8192;

/// A handle to the database; clones share its threads.
#[derive(Clone)]
pub struct Database {
    operations: Sender<Operation>,
    leaves_traces: Arc<AtomicBool>,
    path: Arc<Path>,
    reads: Arc<OnceLock<Sender<Read>>>,
}

impl Database {
    /// Opens the database in the file at `path`, or creates it, or brings it up to date. A damaged one is refused.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        damage::check_files(path)?;
        // Made here, it is its owner's alone, whatever the directory; SQLite's files beside it follow. Where this
        // fails, SQLite says why.
        let _ = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let mut connection = connect(path, OpenFlags::default(), 0)?;
        damage::check(&connection)?;
        configure(&connection)?;
        migrations::apply(&mut connection)?;
        Self::start(connection, path)
    }

    /// Opens the database in the file at `path`, which is there and up to date.
    pub fn existing(path: &Path) -> Result<Self, DatabaseError> {
        let mut flags = OpenFlags::default();
        flags.remove(OpenFlags::SQLITE_OPEN_CREATE);
        let connection = connect(path, flags, SCHEMA)?;
        configure(&connection)?;
        Self::start(connection, path)
    }

    /// Starts its writing thread.
    fn start(connection: Connection, path: &Path) -> Result<Self, DatabaseError> {
        let (sender, operations) = channel();
        let leaves_traces = Arc::new(AtomicBool::new(false));
        let traces = leaves_traces.clone();
        std::thread::Builder::new()
            .name("sqlite".into())
            .spawn(move || writer::serve(connection, &operations, &traces))
            .map_err(|_| DatabaseError::Unavailable)?;
        Ok(Self { operations: sender, leaves_traces, path: path.into(), reads: Arc::default() })
    }

    /// Truncates the write-ahead log soon, so that deleted rows do not survive in old log pages.
    pub async fn leaves_no_trace(&self) {
        let traces = self.leaves_traces.clone();
        // Within an operation: set from outside it could be taken for done before the last commit.
        let done = self.call(move |_| {
            traces.store(true, Relaxed);
            Ok(())
        });
        let _ = done.await;
    }

    /// Waits until that was done, or the log found in use: it is looked at after each operation.
    pub async fn traces_gone(&self) -> Result<(), DatabaseError> {
        self.call(|_| Ok(())).await?;
        self.call(|_| Ok(())).await
    }

    /// Runs an operation; `Ok` means that what it wrote is on disk.
    pub async fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        self.run(work, false).await
    }

    /// The same with a commit of its own: where it fails, no other operation fails with it.
    pub async fn call_alone<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        self.run(work, true).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        is_alone: bool,
    ) -> Result<T, DatabaseError> {
        let (sender, result) = oneshot::channel();
        let run = Box::new(move |connection: &Connection| -> writer::Reply {
            let done = within_savepoint(connection, work);
            Box::new(move |committed| {
                let result = match (done, committed) {
                    (Ok(value), Ok(())) => Ok(value),
                    (Ok(_), Err(error)) => Err(DatabaseError::Commit(error.clone())),
                    (Err(error), _) => Err(error.into()),
                };
                let _ = sender.send(result);
            })
        });
        self.operations.send(Operation { run, is_alone }).map_err(|_| DatabaseError::Unavailable)?;
        result.await.map_err(|_| DatabaseError::Unavailable)?
    }

    /// Reads what was committed, beside the writing thread: however long that takes, no writer waits for it.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (sender, result) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            // One transaction, so that all that is read belongs together.
            let read = connection.and_then(|it| Ok(work(&*it.unchecked_transaction()?)?));
            let _ = sender.send(read);
        });
        let reads = self.reads.get_or_init(|| reader::start(self.path.clone()));
        reads.send(read).map_err(|_| DatabaseError::Unavailable)?;
        result.await.map_err(|_| DatabaseError::Unavailable)?
    }
}

/// Nothing is written to a database of a schema that is older than `oldest`, or newer than this build.
fn connect(path: &Path, flags: OpenFlags, oldest: i64) -> Result<Connection, DatabaseError> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // A log is written into its database when that is closed: not where this is not to be used, as the log may belong
    // to another.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > SCHEMA {
        return Err(DatabaseError::Newer(version));
    }
    if version < oldest {
        return Err(DatabaseError::Older(version));
    }
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    // Of a file that is new: what grows under a backlog is made smaller by `queue::sweep`.
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    connection.set_prepared_statement_cache_capacity(64);
    // Plans are made without looking at the values that are bound, or cached statements are made anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // What is deleted is overwritten, not only marked as free.
    connection.pragma_update(None, "secure_delete", true)?;
    // What a savepoint would put back stays in memory: else it goes to a file elsewhere, words and all.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}
