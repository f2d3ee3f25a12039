//! Reading a conversation: the index for the bulk, the head for what the index does not show yet.

use std::collections::HashMap;

use aws_sdk_dynamodb::{operation::query::builders::QueryFluentBuilder, types::KeysAndAttributes};
use jiff::Timestamp;
use shared::job::{ConversationId, Job, MessageId};

use super::{DynamoError, DynamoHistory, Head, Item, head, key, n, number, remembered_until, s, text};
use crate::{
    conversation::{Message, Role, rfc3339},
    history::{Limit, Named, Past, Period, Unanswered, Usage, Wanted},
};

/// The index of the article's table.
pub(super) const INDEX: &str = "byLineUserId";
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

/// The key of the row that says that a message was taken back.
pub(super) fn unsent_id(message_id: &MessageId) -> String {
    format!("unsent#{message_id}")
}

/// The key of a conversation's settings.
pub(super) fn settings_id(of: &ConversationId) -> String {
    format!("settings#{of}")
}

/// The key of a conversation's question that found no answer.
pub(super) fn unanswered_id(of: &ConversationId) -> String {
    format!("unanswered#{of}")
}

/// The key of a user's usage.
pub(super) fn usage_id(user: &ConversationId, period: Period) -> String {
    format!("usage#{user}#{period}")
}

impl DynamoHistory {
    /// What is known when a turn begins: the index, and side by side with it all else by one call.
    pub(super) async fn past(&self, job: &Job, wanted: Wanted, now: Timestamp) -> Result<Past, DynamoError> {
        let (of, limit) = (&job.conversation, wanted.limit as usize);
        let unsent = job.message_id().map(unsent_id);
        let used = wanted.period.map(|period| usage_id(of, period));
        let always = [head::id(of), settings_id(of), unanswered_id(of)];
        let ids = always.iter().chain(&unsent).chain(&used).cloned().collect();
        let (mut rows, known) = tokio::try_join!(self.shown(of, limit, now), self.items(ids))?;
        let known = |id: &String| known.iter().find(|item| text(item, "id") == Some(id));

        let mut head = Head::of_item(known(&always[0]));
        if let Some(newest) = rows.first() {
            head.follows(&newest.created_at);
        }
        rows.retain(|row| !head.hides(row));
        let missing = if limit == 0 { vec![] } else { head.missing(&rows, limit, now, self.ttl) };
        let past = Past {
            last: head.last,
            newest: head.newest().cloned(),
            persona: known(&always[1]).and_then(|row| text(row, "persona")).map(ToOwned::to_owned),
            used: used.as_ref().and_then(known).map(usage).unwrap_or_default(),
            unanswered: known(&always[2]).and_then(|row| unanswered(row, head.last, now)),
            unsent: unsent.as_ref().and_then(known).is_some(),
            forgotten: head.forgotten,
            messages: vec![],
        };
        if limit > 0 {
            self.remember(of, head);
        }
        if !missing.is_empty() {
            let missing = self.items(missing).await?;
            rows.extend(missing.iter().filter_map(|item| Row::of_item(item, now)));
            rows.sort_by(|a, b| b.created_at.cmp(&a.created_at));
            rows.truncate(limit);
        }
        let messages = rows.into_iter().rev().filter_map(|row| row.message).collect();
        Ok(Past { messages, ..past })
    }

    /// Keeps a persona, or none.
    pub(super) async fn keep_persona(
        &self,
        of: &ConversationId,
        persona: Option<String>,
    ) -> Result<(), DynamoError> {
        let row = self.client.update_item().table_name(&self.table).key("id", s(settings_id(of)));
        let row = match persona {
            None => row.update_expression("REMOVE persona"),
            Some(persona) => row
                .update_expression("SET persona = :persona")
                .expression_attribute_values(":persona", s(persona)),
        };
        row.send().await?;
        Ok(())
    }

    /// Keeps a question that found no answer.
    pub(super) async fn keep_unanswered(
        &self,
        job: &Job,
        question: &str,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let mut row = key(unanswered_id(&job.conversation));
        row.insert("event".to_owned(), s(job.event_id.as_str()));
        row.insert("content".to_owned(), s(question));
        row.insert("createdAt".to_owned(), s(rfc3339(now)));
        row.extend(job.message_id().map(|id| ("messageId".to_owned(), s(id.as_str()))));
        row.insert(
            "expiresAt".to_owned(),
            n(self.expires_at(now).unwrap_or(i64::MAX).min(remembered_until(now))),
        );
        self.client.put_item().table_name(&self.table).set_item(Some(row)).send().await?;
        Ok(())
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

    /// The ids and times of all rows that the index shows, or of those of one message.
    pub(super) async fn all_shown(
        &self,
        of: &ConversationId,
        message_id: Option<&MessageId>,
    ) -> Result<Vec<Item>, DynamoError> {
        let mut rows = vec![];
        let mut from = None;
        loop {
            let mut query = self.index(of).projection_expression("id, createdAt");
            if let Some(message_id) = message_id {
                query = query
                    .filter_expression("messageId = :message")
                    .expression_attribute_values(":message", s(message_id.as_str()));
            }
            let page = query.set_exclusive_start_key(from).send().await?;
            rows.extend(page.items.unwrap_or_default());
            from = page.last_evaluated_key;
            if from.is_none() {
                return Ok(rows);
            }
        }
    }

    fn index(&self, of: &ConversationId) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .index_name(INDEX)
            .key_condition_expression("lineUserId = :of")
            .expression_attribute_values(":of", s(of.as_str()))
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

    /// These rows by key, read strongly, as far as they are there.
    pub(super) async fn items(&self, ids: Vec<String>) -> Result<Vec<Item>, DynamoError> {
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let keys = ids.into_iter().map(key).collect();
        let mut wanted = KeysAndAttributes::builder().consistent_read(true).set_keys(Some(keys)).build()?;
        let mut rows = vec![];
        for _ in 0..BATCH_TRIES {
            let left = wanted.keys().len();
            let got = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
            rows.extend(got.responses.into_iter().flat_map(HashMap::into_values).flatten());
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

/// The question of a row, unless its time is over or the conversation has gone on since.
fn unanswered(row: &Item, last: Option<Timestamp>, now: Timestamp) -> Option<Unanswered> {
    let asked_at = head::time(text(row, "createdAt")?)?;
    let is_over = number(row, "expiresAt").is_some_and(|at: i64| at <= now.as_second());
    if is_over || last.is_some_and(|last| asked_at <= last) {
        return None;
    }
    let event = text(row, "event")?.to_owned().try_into().ok()?;
    let message_id = text(row, "messageId").and_then(|id| id.to_owned().try_into().ok());
    Some(Unanswered { turn: Named { event, message_id }, question: text(row, "content")?.to_owned() })
}

/// What a row says of its user.
fn usage(row: &Item) -> Usage {
    let told = row.get("told").and_then(|told| told.as_ss().ok()).map_or(&[][..], Vec::as_slice);
    Usage {
        answers: number(row, "answers").unwrap_or(0),
        tokens: number(row, "tokens").unwrap_or(0),
        told: told.iter().filter_map(|word| Limit::of_word(word)).collect(),
    }
}
