//! The reasons why the database did not carry out an operation.

use std::sync::Arc;

use rusqlite::ErrorCode;

use super::migrations::SCHEMA;

/// The reason why the database did not carry out an operation. Nothing of the operation was written.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite reports this error.
    #[error("SQLite: {0}")]
    Sqlite(rusqlite::Error),
    /// The file is damaged: it is not as SQLite wrote it.
    #[error(
        "it is damaged ({0}), and left as it is: put a backup in its place, without the -wal and -shm files of the \
         old one, or recover it (docs/operations.md, \"The database is damaged\")"
    )]
    Damaged(String),
    /// The commit failed.
    #[error("SQLite could not commit")]
    Commit(#[source] Arc<rusqlite::Error>),
    /// The database is locked by another process, or its thread has ended.
    #[error("the database takes no transaction")]
    Unavailable,
    /// An older build wrote the file, or another program did.
    #[error(
        "the database has schema {0}, older than the {SCHEMA} of this henji: henji serve brings it up to date"
    )]
    Older(i64),
    /// A newer build wrote the file.
    #[error("the database has schema {0}, newer than the {SCHEMA} of this henji: use the newer henji")]
    Newer(i64),
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(error: rusqlite::Error) -> Self {
        match damage(&error) {
            Some(fault) => Self::Damaged(fault),
            None => Self::Sqlite(error),
        }
    }
}

/// Returns SQLite's report of a damaged file; `None` for any other error.
fn damage(error: &rusqlite::Error) -> Option<String> {
    let is_damage =
        matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase));
    is_damage.then(|| error.to_string())
}
