//! Reads rows by key, as far as they exist: `BatchGetItem`, repeated for the keys that DynamoDB left out.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use shared::event::log;
use tokio::time::sleep;

use super::{
    error::DynamoError,
    item::{Item, key},
    table::DynamoHistory,
    transaction::pause,
};

/// The most keys of one batch (AWS: `BatchGetItem`).
const BATCH: usize = 100;

impl DynamoHistory {
    /// Reads these rows, as far as they exist, with strong consistency. Each id must be named only once.
    pub(super) async fn items(&self, ids: Vec<String>) -> Result<Vec<Item>, DynamoError> {
        self.items_with(ids, None).await
    }

    /// Reads rows as [`Self::items`] does, but only these attributes if they are given.
    pub(super) async fn items_with(
        &self,
        ids: Vec<String>,
        attributes: Option<&str>,
    ) -> Result<Vec<Item>, DynamoError> {
        let mut rows = vec![];
        for chunk in ids.chunks(BATCH) {
            let mut wanted = KeysAndAttributes::builder()
                .set_keys(Some(chunk.iter().map(key).collect()))
                .consistent_read(true)
                .set_projection_expression(attributes.map(ToOwned::to_owned))
                .build()?;
            for tries in 0.. {
                let asked = wanted.keys().len();
                let got = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
                rows.extend(got.responses.into_iter().flat_map(HashMap::into_values).flatten());
                let rest = got.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table));
                let Some(rest) = rest else { break };
                let unread = rest.keys().len();
                log!(warn, PartialRead, asked, unread, "DynamoDB answered a batch in part");
                sleep(pause(tries, DynamoError::Unprocessed(unread))?).await;
                wanted = rest;
            }
        }
        Ok(rows)
    }
}
