//! The thread that writes: runs the operations that wait in one transaction, and tells their callers after its commit.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::Receiver,
    },
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// How many operations share one commit at most.
const BATCH: usize = 512;

/// Runs within the transaction, and returns what is to be called with the commit's success.
pub(super) type Operation = Box<dyn FnOnce(&Connection) -> Reply + Send>;
pub(super) type Reply = Box<dyn FnOnce(bool) + Send>;

pub(super) fn serve(
    mut connection: Connection,
    operations: &Receiver<Operation>,
    leaves_traces: &AtomicBool,
) {
    while let Ok(first) = operations.recv() {
        let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Ok(transaction) => transaction,
            Err(error) => {
                tracing::error!(%error, "the database takes no transaction");
                // What waited behind it would only wait as long again: dropping tells the callers.
                while operations.try_recv().is_ok() {}
                continue;
            }
        };
        let (replies, is_whole) = run_batch(&transaction, first, operations);
        let committed = if is_whole {
            commit(transaction)
        } else {
            drop(transaction);
            false
        };
        for reply in replies {
            reply(committed);
        }
        if leaves_traces.swap(false, Relaxed) && !is_log_emptied(&connection) {
            leaves_traces.store(true, Relaxed);
        }
    }
}

/// Empties the write-ahead log. False where another process reads in it.
fn is_log_emptied(connection: &Connection) -> bool {
    let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0));
    is_busy.is_ok_and(|is_busy| !is_busy)
}

/// Runs what waits. False if SQLite rolled the transaction back by itself, as it does on a full disk.
fn run_batch(
    transaction: &Transaction<'_>,
    first: Operation,
    operations: &Receiver<Operation>,
) -> (Vec<Reply>, bool) {
    let mut replies = vec![first(transaction)];
    while !transaction.is_autocommit() && replies.len() < BATCH {
        match operations.try_recv() {
            Ok(operation) => replies.push(operation(transaction)),
            Err(_) => break,
        }
    }
    let is_whole = !transaction.is_autocommit();
    (replies, is_whole)
}

fn commit(transaction: Transaction<'_>) -> bool {
    transaction.commit().inspect_err(|error| tracing::error!(%error, "the database could not commit")).is_ok()
}

/// A failed operation leaves nothing behind and does not harm those that share its commit.
pub(super) fn within_savepoint<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT operation")?.execute(())?;
    // One that panics is one that failed: the thread serves all the others.
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
