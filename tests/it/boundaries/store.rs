//! What a pipeline keeps, seen behind its back, on either back end.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rusqlite::Connection;
use serde_json::Value;

use crate::{
    aws::emulator::{Cloud, Row},
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
    /// Role and content of each message row, in the conversation's order.
    pub async fn messages(&self) -> Vec<(String, String)> {
        match self {
            Self::OneMachine(data) => {
                of_database(data, "SELECT role, content FROM messages ORDER BY created_at")
            }
            Self::Lambda(cloud) => {
                let mut rows = cloud.rows().await;
                rows.retain(|row| row.contains_key("lineUserId"));
                rows.sort_by_key(|row| text(row, "createdAt"));
                rows.iter().map(|row| (text(row, "role"), text(row, "content"))).collect()
            }
        }
    }

    /// The answers among them.
    pub async fn answers(&self) -> Vec<String> {
        let answers = self.messages().await.into_iter().filter(|(role, _)| role == "assistant");
        answers.map(|(_, content)| content).collect()
    }

    /// The events whose turns are neither delivered nor forgotten.
    pub async fn unfinished(&self) -> Vec<String> {
        match self {
            Self::OneMachine(data) => {
                let turns = of_database(data, "SELECT event_id, '' FROM turns WHERE stage < 2");
                turns.into_iter().map(|(event, _)| event).collect()
            }
            Self::Lambda(cloud) => {
                let mut rows = cloud.rows().await;
                rows.retain(|row| text(row, "id").starts_with("turn#"));
                rows.retain(|row| !["delivered", "forgotten"].contains(&&*text(row, "stage")));
                rows.iter().map(|row| text(row, "id").trim_start_matches("turn#").to_owned()).collect()
            }
        }
    }

    /// The dead letters, as `henji dlq list --json` shows them.
    pub async fn letters(&self) -> Vec<Value> {
        match self {
            Self::OneMachine(data) => {
                let ended = process::run(&["dlq", "list", "--json", "--data", data.to_str().unwrap()]);
                serde_json::from_slice(&ended.stdout).unwrap()
            }
            // The command waits for a while for what the queue may still show.
            Self::Lambda(cloud) if cloud.depth(&cloud.dlq_url).await == 0 => vec![],
            Self::Lambda(cloud) => Operator::of(cloud, &[]).lists(&[]).await,
        }
    }
}

fn of_database(data: &Path, sql: &str) -> Vec<(String, String)> {
    let db = Connection::open(data.join(cli::serve::DATABASE)).unwrap();
    db.busy_timeout(Duration::from_secs(5)).unwrap();
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default()
}
