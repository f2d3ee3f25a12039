//! The versions of the schema.

use rusqlite::{Connection, TransactionBehavior};

/// The steps from each version to the next one, beginning with an empty file. A released step never changes.
const MIGRATIONS: [&str; 14] = [
    include_str!("migrations/0001_initial.sql"),
    include_str!("migrations/0002_respect.sql"),
    include_str!("migrations/0003_understanding.sql"),
    include_str!("migrations/0004_groups.sql"),
    include_str!("migrations/0005_speaker.sql"),
    include_str!("migrations/0006_quota.sql"),
    include_str!("migrations/0007_run_cost.sql"),
    include_str!("migrations/0008_message_kind.sql"),
    include_str!("migrations/0009_said_at.sql"),
    include_str!("migrations/0010_models.sql"),
    include_str!("migrations/0011_quotes.sql"),
    include_str!("migrations/0012_waiting.sql"),
    include_str!("migrations/0013_handoff.sql"),
    include_str!("migrations/0014_image_sets.sql"),
];
/// The version that this build reads and writes.
pub(super) const SCHEMA: i64 = 14;

/// Brings a database up to date, all steps or none.
pub(super) fn apply(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for migration in MIGRATIONS.iter().skip(usize::try_from(version).unwrap_or(0)) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()
}
