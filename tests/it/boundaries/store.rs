//! The data of a pipeline on either back end, read without its knowledge.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{
    lambda::cloud::{Cloud, Row},
    operator::Operator,
    process,
};

#[derive(Clone)]
pub enum Store {
    /// A data directory.
    OneMachine(PathBuf),
    Lambda(Arc<Cloud>),
}

impl Store {
    /// Returns conversation, role and content of each message row, conversation by conversation, each in its order.
    pub async fn messages(&self) -> Vec<[String; 3]> {
        match self {
            Self::OneMachine(data) => of_database(
                data,
                "SELECT conversation, role, content FROM messages ORDER BY conversation, created_at",
            ),
            Self::Lambda(cloud) => {
                let mut rows = cloud.rows().await;
                rows.retain(|row| row.contains_key("lineUserId"));
                rows.sort_by_key(|row| (text(row, "lineUserId"), text(row, "createdAt")));
                rows.iter().map(|row| ["lineUserId", "role", "content"].map(|name| text(row, name))).collect()
            }
        }
    }

    /// Returns the answers among them.
    pub async fn answers(&self) -> Vec<String> {
        let answers = self.messages().await.into_iter().filter(|[_, role, _]| role == "assistant");
        answers.map(|[_, _, content]| content).collect()
    }

    /// Returns the events whose turns are neither delivered nor forgotten.
    pub async fn unfinished(&self) -> Vec<String> {
        match self {
            Self::OneMachine(data) => {
                // An unsend, an edit and an unfollow need no turn: their rows only keep them from being queued again.
                let unfinished = "SELECT event_id FROM turns
                    WHERE stage < 2 AND (begun > 0 OR event_id IN (SELECT event_id FROM jobs))";
                let turns = of_database(data, unfinished);
                turns.into_iter().map(|[event]| event).collect()
            }
            Self::Lambda(cloud) => {
                let mut rows = cloud.rows().await;
                rows.retain(|row| text(row, "id").starts_with("turn#"));
                rows.retain(|row| !["delivered", "forgotten"].contains(&&*text(row, "stage")));
                rows.iter().map(|row| text(row, "id").trim_start_matches("turn#").to_owned()).collect()
            }
        }
    }

    /// Returns the dead letters, as `henji dlq list --json` shows them.
    pub async fn letters(&self) -> Vec<Value> {
        match self {
            Self::OneMachine(data) => {
                let ended = process::run(&["dlq", "list", "--json", "--data", data.to_str().unwrap()]);
                serde_json::from_slice(&ended.stdout).unwrap()
            }
            // The command waits for a while for messages that the queue may still show.
            Self::Lambda(cloud) if cloud.depth(&cloud.dlq_url).await == 0 => vec![],
            Self::Lambda(cloud) => Operator::of(cloud, &[]).lists(&[]).await,
        }
    }
}

impl Store {
    /// Counts the jobs that are left on one machine.
    pub fn jobs(&self) -> usize {
        let Self::OneMachine(data) = self else { panic!("SQS does not say") };
        of_database::<1>(data, "SELECT event_id FROM jobs").len()
    }
}

fn of_database<const COLUMNS: usize>(data: &Path, sql: &str) -> Vec<[String; COLUMNS]> {
    let db = Connection::open(data.join(local::serve::DATABASE)).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let mut statement = db.prepare(sql).unwrap();
    let columns = |row: &rusqlite::Row<'_>| std::array::from_fn(|at| row.get(at).unwrap());
    let rows = statement.query_map([], |row| Ok(columns(row))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}
