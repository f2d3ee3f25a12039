//! Reading a conversation: the index for the bulk, the head for what the index does not show yet.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use jiff::Timestamp;
use shared::job::ConversationId;

use super::{DynamoError, DynamoHistory, Head, Item, head, number, s, text};
use crate::conversation::{Message, Role};

/// The index of the article's table.
const INDEX: &str = "byLineUserId";
/// How often the rest of a batch is asked for, which DynamoDB leaves when it is short of capacity.
const BATCH_TRIES: usize = 4;

/// A message row, as far as a prompt needs it.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) created_at: String,
    pub(super) message: Option<Message>,
}

impl Row {
    /// The row, unless it has expired. Rows of roles that are no part of a conversation have no message.
    fn of_item(item: &Item, now: Timestamp) -> Option<Self> {
        if number::<i64>(item, "expiresAt").is_some_and(|at| at <= now.as_second()) {
            return None;
        }
        let message = || {
            let role = Role::of_row(text(item, "role")?)?;
            Some(Message { role, content: text(item, "content")?.to_owned() })
        };
        Some(Self {
            id: text(item, "id")?.to_owned(),
            created_at: text(item, "createdAt")?.to_owned(),
            message: message(),
        })
    }
}

impl DynamoHistory {
    /// The newest `limit` messages, oldest first.
    pub(super) async fn load_messages(
        &self,
        of: &ConversationId,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Message>, DynamoError> {
        if limit == 0 {
            return Ok(vec![]);
        }
        let (mut rows, mut head) = tokio::try_join!(self.shown(of, limit, now), self.head(of))?;
        if let Some(newest) = rows.first() {
            head.follows(&newest.created_at);
        }
        let missing = head.missing(&rows, limit, now, self.ttl);
        self.remember(of, head);
        if !missing.is_empty() {
            rows.extend(self.rows(missing, now).await?);
            rows.sort_by(|a, b| b.created_at.cmp(&a.created_at));
            rows.truncate(limit);
        }
        Ok(rows.into_iter().rev().filter_map(|row| row.message).collect())
    }

    /// What the index shows of the newest `limit` rows, newest first.
    async fn shown(
        &self,
        of: &ConversationId,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Row>, DynamoError> {
        let mut rows = vec![];
        let mut from = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(INDEX)
                .key_condition_expression("lineUserId = :of")
                .expression_attribute_values(":of", s(of.as_str()))
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

    /// The head, read strongly.
    pub(super) async fn head(&self, of: &ConversationId) -> Result<Head, DynamoError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", s(head::id(of)))
            .consistent_read(true)
            .send()
            .await?;
        Ok(Head::of_item(got.item()))
    }

    /// The head that a further turn is stored under, read anew. A conversation without one may have rows
    /// of the article's bot, whose newest the turn must follow.
    pub(super) async fn head_to_follow(
        &self,
        of: &ConversationId,
        now: Timestamp,
    ) -> Result<Head, DynamoError> {
        let mut head = self.head(of).await?;
        if head.stored.is_none()
            && let Some(newest) = self.shown(of, 1, now).await?.first()
        {
            head.follows(&newest.created_at);
        }
        Ok(head)
    }

    /// These rows by key, as far as they are there.
    async fn rows(&self, ids: Vec<String>, now: Timestamp) -> Result<Vec<Row>, DynamoError> {
        let keys = ids.into_iter().map(|id| Item::from([("id".to_owned(), s(id))])).collect();
        let mut wanted = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build()?;
        let mut rows = vec![];
        for _ in 0..BATCH_TRIES {
            let left = wanted.keys().len();
            let got = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
            let found = got.responses.iter().flat_map(|tables| tables.values()).flatten();
            rows.extend(found.filter_map(|item| Row::of_item(item, now)));
            match got.unprocessed_keys.and_then(|mut tables| tables.remove(&self.table)) {
                None => return Ok(rows),
                Some(rest) => {
                    tracing::warn!(
                        asked = left,
                        unread = rest.keys().len(),
                        "DynamoDB answered a batch in part"
                    );
                    wanted = rest;
                }
            }
        }
        Err(DynamoError::Unprocessed(wanted.keys().len()))
    }
}
