//! The thread that writes. It runs the operations that wait in one transaction, and replies to their callers after its
//! commit.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::Receiver,
    },
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior, ffi};
use shared::event::log;

/// The time to wait for a lock of another process (`henji dlq`).
pub(super) const BUSY: Duration = Duration::from_secs(1);

/// The most operations that share one commit.
const BATCH: usize = 512;

/// The work of one caller.
pub(super) struct Operation {
    /// The function that runs within the transaction. It returns a function to call with the commit's result.
    pub(super) run: Box<dyn FnOnce(&Connection) -> Reply + Send>,
    /// Whether the operation shares its commit with no other, so that no other one fails with it.
    pub(super) is_alone: bool,
}
pub(super) type Reply = Box<dyn FnOnce(&Committed) + Send>;
type Committed = Result<(), Arc<rusqlite::Error>>;

pub(super) fn serve(
    mut connection: Connection,
    operations: &Receiver<Operation>,
    must_truncate_wal: &AtomicBool,
) {
    let mut put_off = None;
    while let Some(first) = put_off.take().or_else(|| operations.recv().ok()) {
        let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => {
                log!(error, TransactionFailed, %error, "the database began no transaction");
                // Each waiting operation would wait for the lock just as long. They are dropped, so that their callers
                // get an error now.
                while operations.try_recv().is_ok() {}
                continue;
            }
        };
        let replies = run_batch(&transaction, first, operations, &mut put_off);
        let committed = commit(transaction);
        for reply in replies {
            reply(&committed);
        }
        if must_truncate_wal.swap(false, Relaxed) && !is_log_emptied(&connection) {
            must_truncate_wal.store(true, Relaxed);
        }
    }
}

/// Empties the write-ahead log; false if somebody reads it. Does not wait for readers, because writers wait meanwhile.
fn is_log_emptied(connection: &Connection) -> bool {
    let _ = connection.busy_timeout(Duration::ZERO);
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    let _ = connection.busy_timeout(BUSY);
    is_busy.is_ok_and(|is_busy| !is_busy)
}

/// Runs the operations that wait, and puts off one that must not share its commit.
fn run_batch(
    transaction: &Transaction<'_>,
    first: Operation,
    operations: &Receiver<Operation>,
    put_off: &mut Option<Operation>,
) -> Vec<Reply> {
    let is_alone = first.is_alone;
    let mut replies = vec![(first.run)(transaction)];
    while !is_alone && !transaction.is_autocommit() && replies.len() < BATCH {
        match operations.try_recv() {
            Ok(operation) if operation.is_alone => {
                *put_off = Some(operation);
                break;
            }
            Ok(operation) => replies.push((operation.run)(transaction)),
            Err(_) => break,
        }
    }
    replies
}

fn commit(transaction: Transaction<'_>) -> Committed {
    // SQLite has rolled back the transaction by itself, as it does on a full disk.
    if transaction.is_autocommit() {
        return Err(Arc::new(rusqlite::Error::SqliteFailure(
            ffi::Error::new(ffi::SQLITE_ABORT_ROLLBACK),
            None,
        )));
    }
    transaction.commit().map_err(|error| {
        log!(error, CommitFailed, %error, "the database did not commit");
        Arc::new(error)
    })
}

/// Runs work so that a failure leaves nothing behind and does not harm the operations that share its commit.
pub(super) fn within_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT operation")?.execute(())?;
    // An operation that panics is a failed operation: the thread serves all the others.
    let done = catch_unwind(AssertUnwindSafe(|| work(connection)));
    let done = done.unwrap_or(Err(rusqlite::Error::UnwindingPanic));
    if done.is_err() && !connection.is_autocommit() {
        connection.prepare_cached("ROLLBACK TO operation")?.execute(())?;
    }
    if !connection.is_autocommit() {
        connection.prepare_cached("RELEASE operation")?.execute(())?;
    }
    done
}
