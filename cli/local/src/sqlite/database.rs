//! A handle to the database, and the opening of its file.

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

/// The memory for pages of the file, in KiB.
const CACHE_KIB: i64 = 8192;

/// A handle to the database; clones share its threads.
#[derive(Clone)]
pub struct Database {
    operations: Sender<Operation>,
    must_truncate_wal: Arc<AtomicBool>,
    path: Arc<Path>,
    reads: Arc<OnceLock<Sender<Read>>>,
}

impl Database {
    /// Opens the database in the file at `path`, creates it, or brings it up to date. A damaged database is refused.
    pub fn open(path: &Path) -> Result<Self, DatabaseError> {
        damage::check_files(path)?;
        // This creates the file so that it belongs to its owner alone, whatever the directory allows. SQLite's files
        // beside it get the same permissions. If this fails, SQLite reports why.
        let _ = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        let mut connection = connect(path, OpenFlags::default(), 0)?;
        damage::check(&connection)?;
        configure(&connection)?;
        migrations::apply(&mut connection)?;
        Self::start(connection, path)
    }

    /// Opens the database in the file at `path`, which exists and is up to date.
    pub fn existing(path: &Path) -> Result<Self, DatabaseError> {
        let mut flags = OpenFlags::default();
        flags.remove(OpenFlags::SQLITE_OPEN_CREATE);
        let connection = connect(path, flags, SCHEMA)?;
        configure(&connection)?;
        Self::start(connection, path)
    }

    /// Starts the thread that writes.
    fn start(connection: Connection, path: &Path) -> Result<Self, DatabaseError> {
        let (sender, operations) = channel();
        let must_truncate_wal = Arc::new(AtomicBool::new(false));
        let traces = must_truncate_wal.clone();
        std::thread::Builder::new()
            .name("sqlite".into())
            .spawn(move || writer::serve(connection, &operations, &traces))
            .map_err(|_| DatabaseError::Unavailable)?;
        Ok(Self { operations: sender, must_truncate_wal, path: path.into(), reads: Arc::default() })
    }

    /// Truncates the write-ahead log soon, so that deleted rows do not survive in old log pages.
    pub async fn truncate_log_soon(&self) {
        let traces = self.must_truncate_wal.clone();
        // The flag is set within an operation. Set from outside, it could be handled before the last commit.
        let done = self.call(move |_| {
            traces.store(true, Relaxed);
            Ok(())
        });
        let _ = done.await;
    }

    /// Waits until the write-ahead log was truncated, or found in use: this is checked after each operation.
    pub async fn wait_for_wal_truncation(&self) -> Result<(), DatabaseError> {
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

    /// Runs an operation with a commit of its own: if it fails, no other operation fails with it.
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

    /// Reads committed data beside the writing thread. However long this takes, no writer waits for it.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (sender, result) = oneshot::channel();
        let read: Read = Box::new(move |connection| {
            // One transaction makes sure that everything that is read belongs together.
            let read = connection.and_then(|it| Ok(work(&*it.unchecked_transaction()?)?));
            let _ = sender.send(read);
        });
        let reads = self.reads.get_or_init(|| reader::start(self.path.clone()));
        reads.send(read).map_err(|_| DatabaseError::Unavailable)?;
        result.await.map_err(|_| DatabaseError::Unavailable)?
    }
}

/// Connects to the database. Nothing is written to a database whose schema is older than `oldest`, or newer than this
/// build.
fn connect(path: &Path, flags: OpenFlags, oldest: i64) -> Result<Connection, DatabaseError> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // SQLite writes a log into its database when the database is closed. This must not happen to a database that is not
    // to be used, because the log may belong to another one.
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
    // This applies to a new file. `queue::sweep` makes the file smaller after a backlog has made it larger.
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    connection.set_prepared_statement_cache_capacity(64);
    // SQLite plans queries without looking at the bound values. Otherwise it would prepare cached statements again.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // SQLite overwrites deleted data, and does not only mark it as free.
    connection.pragma_update(None, "secure_delete", true)?;
    // The data that a savepoint would put back stays in memory. Otherwise it goes to another file, with its words.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)
}
