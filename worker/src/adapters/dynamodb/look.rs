//! How far turns got, read by operators: nothing is counted, nothing is changed but by
//! [`DynamoHistory::risk_resending`].

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use jiff::Timestamp;
use shared::job::EventId;

use super::{
    DynamoError, DynamoHistory,
    error::{condition_failed, failed},
    s, text, turn,
};
use crate::history::{HistoryError, Stage};

/// The most keys of one `BatchGetItem`.
const BATCH: usize = 100;
/// How often the rest of a batch is asked for.
const TRIES: usize = 4;

/// A turn from outside, without words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// How far it got. Its pushes are left out.
    pub stage: Stage,
    /// When the user was told that there will be no answer.
    pub told_at: Option<Timestamp>,
}

impl DynamoHistory {
    /// The turns of these events, read consistently; those that never began are not among them.
    pub async fn look(&self, events: &[EventId]) -> Result<HashMap<EventId, Looked>, HistoryError> {
        let mut looked = HashMap::new();
        for chunk in events.chunks(BATCH) {
            looked.extend(self.look_at(chunk).await.map_err(failed("show turns"))?);
        }
        Ok(looked)
    }

    async fn look_at(&self, events: &[EventId]) -> Result<HashMap<EventId, Looked>, DynamoError> {
        let by_id: HashMap<String, &EventId> = events.iter().map(|event| (turn::id(event), event)).collect();
        let keys = by_id.keys().map(|id| HashMap::from([("id".to_owned(), s(id))])).collect();
        let mut wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .projection_expression("id, stage, pushed, unknownSince, byReply, toldAt")
            .build()?;
        let mut looked = HashMap::new();
        for _ in 0..TRIES {
            let request = self.client.batch_get_item().request_items(&self.table, wanted);
            let mut got = request.send().await?;
            let items = got.responses.as_mut().and_then(|tables| tables.remove(&self.table));
            for item in items.unwrap_or_default() {
                if let Some(event) = text(&item, "id").and_then(|id| by_id.get(id)) {
                    let turn = Looked { stage: turn::stage(&item), told_at: turn::time(&item, "toldAt") };
                    looked.insert((*event).clone(), turn);
                }
            }
            match got.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table)) {
                Some(rest) => wanted = rest,
                None => return Ok(looked),
            }
        }
        Err(DynamoError::Unprocessed(wanted.keys().len()))
    }

    /// Lets a stored answer be pushed although LINE may have it and no longer knows.
    pub async fn risk_resending(&self, event: &EventId) -> Result<(), HistoryError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", s(turn::id(event)))
            .update_expression("REMOVE unknownSince, byReply")
            .condition_expression("stage = :stored")
            .expression_attribute_values(":stored", s(turn::STORED));
        let done = match update.send().await {
            Ok(_) => Ok(()),
            // It is not stored any more: there is nothing to risk.
            Err(error) => condition_failed(error).map(drop),
        };
        done.map_err(failed("allow a second push"))
    }
}
