//! How far turns got, read by operators: nothing is counted, nothing is changed but by
//! [`DynamoHistory::risk_resending`].

use std::collections::HashMap;

use jiff::Timestamp;
use shared::job::EventId;

use super::{
    error::{condition_failed, failed},
    item::{Item, s, text},
    table::DynamoHistory,
    turn,
};
use crate::{
    history::{HistoryError, Stage},
    rules::conversation::rfc3339,
};

/// What is read of a turn's row: no words.
const LOOKED_AT: &str = "id, stage, pushed, unknownSince, byReply, toldAt";

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
        let by_id: HashMap<String, &EventId> = events.iter().map(|event| (turn::id(event), event)).collect();
        let rows = self.items_with(by_id.keys().cloned().collect(), Some(LOOKED_AT)).await;
        let looked = |row: &Item| {
            let event = *by_id.get(text(row, "id")?)?;
            Some((event.clone(), Looked { stage: turn::stage(row), told_at: turn::time(row, "toldAt") }))
        };
        Ok(rows.map_err(failed("show turns"))?.iter().filter_map(looked).collect())
    }

    /// Lets a stored answer be pushed although LINE may have it and no longer knows; false if none is stored.
    pub async fn risk_resending(&self, event: &EventId, now: Timestamp) -> Result<bool, HistoryError> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .key("id", s(turn::id(event)))
            .update_expression(turn::RISK_RESENDING)
            .condition_expression(turn::IS_STORED)
            .expression_attribute_values(":stored", s(turn::STORED))
            .expression_attribute_values(":now", s(rfc3339(now)));
        let done = match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => condition_failed(error).map(|_| false),
        };
        done.map_err(failed("allow a second push"))
    }
}
