//! Writes or deletes rows, each independently of the others: `BatchWriteItem`, repeated for the rows that DynamoDB left
//! out.

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use tokio::time::sleep;

use super::{error::DynamoError, item::key, table::DynamoHistory, transaction::pause};

/// The most rows of one batch (AWS: `BatchWriteItem`).
const BATCH: usize = 25;

impl DynamoHistory {
    /// Deletes these rows, as far as they exist.
    pub(super) async fn delete_all(&self, ids: &[String]) -> Result<(), DynamoError> {
        let request = |id: &String| {
            let delete = DeleteRequest::builder().set_key(Some(key(id))).build()?;
            Ok::<_, DynamoError>(WriteRequest::builder().delete_request(delete).build())
        };
        self.write_all(&ids.iter().map(request).collect::<Result<Vec<_>, _>>()?).await
    }

    /// Carries out these write requests, each independently of the others.
    pub(super) async fn write_all(&self, requests: &[WriteRequest]) -> Result<(), DynamoError> {
        for chunk in requests.chunks(BATCH) {
            let mut left = chunk.to_vec();
            for tries in 0.. {
                let request = self.client.batch_write_item().request_items(&self.table, left);
                let unprocessed = request.send().await?.unprocessed_items.unwrap_or_default();
                left = unprocessed.into_values().flatten().collect();
                if left.is_empty() {
                    break;
                }
                sleep(pause(tries, DynamoError::Unprocessed(left.len()))?).await;
            }
        }
        Ok(())
    }
}
