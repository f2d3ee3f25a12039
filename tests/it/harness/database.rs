//! The database of a bot on one machine, as stories see it: its rows by their meaning, and the passing of time.

use std::time::Duration;

use rusqlite::types::Value;

use super::local::Bot;

impl Bot {
    /// Returns the attempts of each turn.
    pub fn attempts(&self) -> Vec<u32> {
        self.column("SELECT attempts FROM turns").iter().map(|count| count.parse().unwrap()).collect()
    }

    /// Returns role and text of each message, oldest first.
    pub fn messages(&self) -> Vec<(String, String)> {
        let column = |name| self.column(&format!("SELECT {name} FROM messages ORDER BY created_at, id"));
        column("role").into_iter().zip(column("content")).collect()
    }

    /// Returns the `createdAt` of each message, oldest first.
    pub fn message_times(&self) -> Vec<String> {
        self.column("SELECT created_at FROM messages ORDER BY created_at")
    }

    /// Counts the turns that are delivered and keep no bodies of pushes.
    pub fn delivered(&self) -> usize {
        self.column("SELECT 1 FROM turns WHERE stage = 2 AND pushes IS NULL").len()
    }

    /// Returns the ids of the messages that were unsent.
    pub fn unsent(&self) -> Vec<String> {
        self.column("SELECT message_id FROM unsent")
    }

    /// Lets this time pass for LINE's memory of retry keys, for stored answers and for apologies.
    pub fn time_passes(&self, by: Duration) {
        let by = by.as_millis();
        self.sql(&format!(
            "UPDATE turns SET unknown_since = unknown_since - {by}, updated_at = updated_at - {by}, told_at = told_at - {by}"
        ));
    }

    /// Makes all jobs due, as after a change of the clock.
    pub fn all_jobs_are_due(&self) {
        self.sql("UPDATE jobs SET visible_at = 1");
    }

    /// Lets all messages expire, except those with this word.
    pub fn expires_all_but(&self, word: &str) {
        self.sql(&format!("UPDATE messages SET expires_at = 1 WHERE content NOT LIKE '%{word}%'"));
    }

    /// Empties the write-ahead log into the file.
    pub fn truncates_log(&self) {
        self.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    }

    /// Returns the only column of a query as texts.
    fn column(&self, sql: &str) -> Vec<String> {
        let text = |row: Vec<_>| match row.into_iter().next().unwrap() {
            Value::Text(text) => text,
            Value::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        self.rows(sql).into_iter().map(text).collect()
    }
}
