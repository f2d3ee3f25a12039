//! The index of the article's table, which shows the rows of a conversation. The index is late, so that it may miss
//! rows.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use jiff::Timestamp;
use shared::job::{ConversationId, MessageId};

use super::{
    error::DynamoError,
    item::{Item, s},
    message_row::Row,
    table::DynamoHistory,
};

/// The name of the index of the article's table.
pub(super) const INDEX: &str = "byLineUserId";

impl DynamoHistory {
    /// Returns the newest `limit` rows that the index shows, newest first.
    pub(super) async fn shown(
        &self,
        of: &ConversationId,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, DynamoError> {
        let mut rows = vec![];
        let mut from = None;
        if limit == 0 {
            return Ok(rows);
        }
        loop {
            let page = self
                .index(of)
                .scan_index_forward(false)
                .limit(i32::try_from(limit - rows.len()).unwrap_or(i32::MAX))
                .set_exclusive_start_key(from)
                .send()
                .await?;
            rows.extend(page.items().iter().filter_map(|item| Row::of_item(item, now)));
            // A page ends early after a megabyte; expired rows do not count.
            from = page.last_evaluated_key;
            if from.is_none() || rows.len() >= limit {
                return Ok(rows);
            }
        }
    }

    /// Returns the ids and times of all rows that the index shows, or only of those of one message.
    pub(super) async fn all_shown(
        &self,
        of: &ConversationId,
        message_id: Option<&MessageId>,
    ) -> Result<Vec<Item>, DynamoError> {
        let mut query = self.index(of).projection_expression("id, createdAt, saidAt, event");
        if let Some(message_id) = message_id {
            query = query
                .filter_expression("messageId = :message OR contains(messageIds, :message)")
                .expression_attribute_values(":message", s(message_id.as_str()));
        }
        Ok(query.into_paginator().items().send().try_collect().await?)
    }

    /// Returns the ids of the newest `limit` rows that the index shows, newest first, with the events of their turns and
    /// the messages that they answer.
    pub(super) async fn newest_shown(
        &self,
        of: &ConversationId,
        limit: u32,
    ) -> Result<Vec<Item>, DynamoError> {
        let query = self.index(of).projection_expression("id, event, messageId").scan_index_forward(false);
        let shown = query.limit(i32::try_from(limit).unwrap_or(i32::MAX)).send().await?;
        Ok(shown.items.unwrap_or_default())
    }

    fn index(&self, of: &ConversationId) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("lineUserId = :of")
            .expression_attribute_values(":of", s(of.as_str()))
    }
}
