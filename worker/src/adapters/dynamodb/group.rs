//! The rows that are kept about a group's messages beside the conversation. The index does not contain them.
//!
//! - `said#{message}`: the newest text of an edited message, until it is answered; and the turn that answered it, with
//!   the time of the newest edit that its question has.
//! - `edited#{conversation}`: the messages that were edited and have words for the bot, so that a forget finds these
//!   words.
//! - `own#{message}`: the fact that a message is the bot's own, without its words.

use aws_sdk_dynamodb::types::{
    AttributeValue, PutRequest, ReturnValuesOnConditionCheckFailure, TransactWriteItem, WriteRequest,
};
use jiff::Timestamp;
use shared::job::{ConversationId, EventId, Job, MessageId};

use super::{
    asked::row_ids,
    conflict::Part,
    error::DynamoError,
    item::{Item, key, n, number, remembered_until, s, text},
    table::DynamoHistory,
    transaction::{Rows, retried},
};
use crate::{
    history::{Answer, EDIT_KEPT, Edit},
    rules::{conversation::rfc3339, message_kind::MessageKind},
};

/// Returns the key of the row about a message.
pub(super) fn said_id(message: &MessageId) -> String {
    format!("said#{message}")
}

/// Returns the key of the list of edited messages.
fn edited_id(of: &ConversationId) -> String {
    format!("edited#{of}")
}

/// Returns the key of the row for one of the bot's own messages.
pub(super) fn own_id(message: &MessageId) -> String {
    format!("own#{message}")
}

/// Returns the edit that a row keeps, unless the row has expired.
pub(super) fn edit(row: &Item, now: Timestamp) -> Option<Edit> {
    let is_over = number(row, "expiresAt").is_some_and(|at: i64| at <= now.as_second());
    let text = text(row, "content").filter(|_| !is_over)?.to_owned();
    Some(Edit { text, at: number(row, "editedAt")? })
}

/// Returns the turn that answered the message of a row.
pub(super) fn answered_by(row: &Item) -> Option<EventId> {
    text(row, "answeredBy")?.to_owned().try_into().ok()
}

impl DynamoHistory {
    /// Keeps the newest text of an edited message until its answer. After the answer, puts it in place of the
    /// question's.
    pub(super) async fn keep_edit(
        &self,
        of: &ConversationId,
        message: &MessageId,
        edit: &Edit,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let until = n(now.checked_add(EDIT_KEPT).unwrap_or(now).as_second());
        let answered_by = retried(|| async {
            let said = self
                .update(said_id(message))
                .update_expression("SET content = :content, editedAt = :at, expiresAt = :expiresAt")
                .condition_expression(
                    "attribute_not_exists(answeredBy) AND (attribute_not_exists(editedAt) OR editedAt < :at)",
                )
                .expression_attribute_values(":content", s(&edit.text))
                .expression_attribute_values(":at", n(edit.at))
                .expression_attribute_values(":expiresAt", until.clone())
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .build()?;
            let list = self
                .update(edited_id(of))
                .update_expression("SET expiresAt = :expiresAt ADD messages :message")
                .expression_attribute_values(":expiresAt", until.clone())
                .expression_attribute_values(":message", AttributeValue::Ss(vec![message.to_string()]))
                .build()?;
            let mut rows = vec![
                (Part::Said, TransactWriteItem::builder().update(said).build()),
                self.not_unsent(message)?,
            ];
            if !edit.text.is_empty() {
                rows.push((Part::Any, TransactWriteItem::builder().update(list).build()));
            }
            match self.commit(rows).await {
                Err(DynamoError::Conflict(conflict)) if conflict.of(Part::NotUnsent).is_some() => Ok(None),
                Err(DynamoError::Conflict(conflict)) => match conflict.of(Part::Said) {
                    Some(reason) => Ok(reason.item().and_then(answered_by)),
                    None => Err(DynamoError::Conflict(conflict)),
                },
                done => done.map(|()| None),
            }
        })
        .await?;
        match answered_by {
            Some(event) => self.replace_question(of, message, edit, &event, now).await,
            None => Ok(()),
        }
    }

    /// Puts the newest text of a message in place of the question that this turn answered. Without words, forgets the
    /// question with its answer.
    async fn replace_question(
        &self,
        of: &ConversationId,
        message: &MessageId,
        edit: &Edit,
        answered_by: &EventId,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let is_newest = retried(|| async {
            let said = self
                .update(said_id(message))
                .update_expression("SET replacedAt = :at")
                .condition_expression(
                    "attribute_exists(answeredBy) AND (attribute_not_exists(replacedAt) OR replacedAt <= :at)",
                )
                .expression_attribute_values(":at", n(edit.at))
                .build()?;
            let mut rows = vec![
                (Part::Said, TransactWriteItem::builder().update(said).build()),
                self.not_unsent(message)?,
            ];
            if !edit.text.is_empty() {
                // If the question was asked again, the head names the turn that has it now.
                let head = self.head(of).await?;
                let event = head.asked_in(message).last().map_or(answered_by, |asked| asked.event());
                let [question, _] = row_ids(event);
                let kind = MessageKind::Text.for_row(&edit.text);
                let words = "SET content = :content, updatedAt = :now";
                let update = self
                    .update(question)
                    .condition_expression("attribute_exists(content)")
                    .expression_attribute_values(":content", s(&edit.text))
                    .expression_attribute_values(":now", s(rfc3339(now)));
                let update = match kind {
                    Some(kind) => update
                        .update_expression(format!("{words}, kind = :kind"))
                        .expression_attribute_values(":kind", s(kind)),
                    None => update.update_expression(format!("{words} REMOVE kind")),
                };
                rows.push((Part::Message, TransactWriteItem::builder().update(update.build()?).build()));
            }
            match self.commit(rows).await {
                // A later edit came first, or the question is forgotten.
                Err(DynamoError::Conflict(conflict))
                    if [Part::Said, Part::NotUnsent, Part::Message]
                        .iter()
                        .any(|part| conflict.of(*part).is_some()) =>
                {
                    Ok(false)
                }
                done => done.map(|()| true),
            }
        })
        .await?;
        if is_newest && edit.text.is_empty() { self.forget_question(of, message, now).await } else { Ok(()) }
    }

    /// Builds the updates that mark the messages of an answer as answered, and delete the words of their edits. Their
    /// condition is that no message was edited since, or answered by another turn. A message to which the bot says
    /// nothing is not marked.
    pub(super) fn said_rows(&self, job: &Job, answer: &Answer, now: Timestamp) -> Result<Rows, DynamoError> {
        let mut answered: Vec<_> =
            job.message_id().map(|id| (&job.event_id, id, answer.edit)).into_iter().collect();
        let others = answer.exchange.iter().flat_map(|exchange| &exchange.questions);
        for said in others.filter(|said| said.event != job.event_id) {
            answered.extend(said.message_id.as_ref().map(|id| (&said.event, id, None)));
        }
        let is_silent = answer.exchange.is_none() && answer.pushes.is_empty();
        if job.is_private() || is_silent {
            return Ok(vec![]);
        }
        let row = |(event, message, edit): (&EventId, &MessageId, Option<i64>)| {
            let said = self
                .update(said_id(message))
                .update_expression(
                    "SET answeredBy = :event, replacedAt = :seen, expiresAt = :expiresAt REMOVE content",
                )
                .condition_expression(
                    "(attribute_not_exists(editedAt) OR editedAt <= :seen)
                     AND (attribute_not_exists(answeredBy) OR answeredBy = :event)",
                )
                .expression_attribute_values(":event", s(event.as_str()))
                .expression_attribute_values(":seen", n(edit.unwrap_or(i64::MIN)))
                .expression_attribute_values(":expiresAt", n(remembered_until(now)))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .build()?;
            Ok((Part::Said, TransactWriteItem::builder().update(said).build()))
        };
        answered.into_iter().map(row).collect()
    }

    /// Deletes the words of messages that were edited until then.
    pub(super) async fn forget_edits(&self, of: &ConversationId, until: i64) -> Result<(), DynamoError> {
        let list = self.items(vec![edited_id(of)]).await?.pop().unwrap_or_default();
        let messages = list.get("messages").and_then(|ids| ids.as_ss().ok()).map_or(&[][..], Vec::as_slice);
        let ids = messages.iter().filter_map(|id| Some(said_id(&id.clone().try_into().ok()?))).collect();
        let has_words = |row: &&Item| row.contains_key("content") && number(row, "editedAt") <= Some(until);
        for row in self.items(ids).await?.iter().filter(has_words) {
            let id = text(row, "id").unwrap_or_default();
            // A message that was edited again or answered in the meantime no longer has the words from that time.
            self.delete_if(id, "attribute_exists(content) AND editedAt <= :until", until).await?;
        }
        Ok(())
    }

    /// Remembers messages as the bot's own.
    pub(super) async fn keep_own(&self, messages: &[MessageId], now: Timestamp) -> Result<(), DynamoError> {
        let request = |message: &MessageId| {
            let mut row = key(own_id(message));
            row.insert("expiresAt".to_owned(), n(remembered_until(now)));
            let put = PutRequest::builder().set_item(Some(row)).build()?;
            Ok::<_, DynamoError>(WriteRequest::builder().put_request(put).build())
        };
        self.write_all(&messages.iter().map(request).collect::<Result<Vec<_>, _>>()?).await
    }
}
