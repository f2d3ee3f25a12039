//! The check whether the table is as the worker needs it, for `henji doctor`.

use aws_sdk_dynamodb::types::{IndexStatus, KeyType, TimeToLiveStatus};

use super::{
    error::{DynamoError, failed},
    index::INDEX,
    table::DynamoHistory,
};
use crate::history::HistoryError;

/// The attribute with the time when a row expires.
const EXPIRES_AT: &str = "expiresAt";

/// The reason why a table that exists is not as the worker needs it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unfit(String);

impl DynamoHistory {
    /// Describes the table, or returns an error if the worker cannot use it.
    pub async fn doctor_checks(&self) -> Result<String, HistoryError> {
        let unfit = |why: String| HistoryError {
            doing: "find the table fit",
            passing: false,
            source: Unfit(why).into(),
        };
        let table = self.client.describe_table().table_name(&self.table).send().await;
        let table = table.map_err(|e| failed("describe the table")(DynamoError::from(e)))?.table;
        let table = table.ok_or_else(|| unfit("there is no description".to_owned()))?;
        let is_by = |keys: &[aws_sdk_dynamodb::types::KeySchemaElement], wanted: &[(&str, KeyType)]| {
            keys.len() == wanted.len()
                && wanted.iter().all(|(name, kind)| {
                    keys.iter().any(|key| key.attribute_name() == *name && key.key_type() == kind)
                })
        };
        if !is_by(table.key_schema(), &[("id", KeyType::Hash)]) {
            return Err(unfit("its key is not id".to_owned()));
        }
        let indexes = table.global_secondary_indexes();
        let Some(index) = indexes.iter().find(|index| index.index_name() == Some(INDEX)) else {
            return Err(unfit(format!("it has no index {INDEX}")));
        };
        if !is_by(index.key_schema(), &[("lineUserId", KeyType::Hash), ("createdAt", KeyType::Range)]) {
            return Err(unfit(format!("its index {INDEX} is not by lineUserId and createdAt")));
        }
        if let Some(status) = index.index_status().filter(|status| **status != IndexStatus::Active) {
            return Err(unfit(format!("its index {INDEX} is {}", status.as_str())));
        }
        let ttl = self.client.describe_time_to_live().table_name(&self.table).send().await;
        let ttl = ttl.map_err(|e| failed("describe the time to live")(DynamoError::from(e)))?;
        let ttl = ttl.time_to_live_description.filter(|ttl| {
            let on = [TimeToLiveStatus::Enabled, TimeToLiveStatus::Enabling];
            ttl.attribute_name() == Some(EXPIRES_AT)
                && ttl.time_to_live_status().is_some_and(|status| on.contains(status))
        });
        let expiry =
            if ttl.is_some() { "rows expire" } else { "no rows expire: its TTL by expiresAt is off" };
        Ok(format!("{}: key, index and status are right; {expiry}", self.table))
    }
}
