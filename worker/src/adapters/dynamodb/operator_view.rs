//! The stages of turns, for operators. Reading them counts nothing and changes nothing. Only
//! [`DynamoHistory::risk_resending`] changes a turn.

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

/// The attributes of a turn's row that are read. They have no words.
const LOOKED_AT: &str = "id, stage, pushed, unknownSince, byReply, replyOnly, toldAt";

/// A turn as operators see it, without words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnView {
    /// The stage of the turn. Its pushes are left out.
    pub stage: Stage,
    /// The time when the user was notified that there will be no answer.
    pub told_at: Option<Timestamp>,
}

impl DynamoHistory {
    /// Reads the turns of these events consistently. Turns that never began are not in the result.
    pub async fn turn_views(&self, events: &[EventId]) -> Result<HashMap<EventId, TurnView>, HistoryError> {
        let by_id: HashMap<String, &EventId> = events.iter().map(|event| (turn::id(event), event)).collect();
        let rows = self.items_with(by_id.keys().cloned().collect(), Some(LOOKED_AT)).await;
        let looked = |row: &Item| {
            let event = *by_id.get(text(row, "id")?)?;
            Some((event.clone(), TurnView { stage: turn::stage(row), told_at: turn::time(row, "toldAt") }))
        };
        Ok(rows.map_err(failed("show turns"))?.iter().filter_map(looked).collect())
    }

    /// Allows a push of a stored answer, although LINE may have the answer and no longer knows its retry key; false if
    /// no answer is stored.
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
