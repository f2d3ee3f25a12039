//! The row of a conversation's unanswered question, which allows the user to ask it again.

use jiff::Timestamp;
use shared::job::{ConversationId, Job, MessageId};

use super::{
    error::DynamoError,
    head,
    item::{Item, key, n, number, remembered_until, s, text},
    table::DynamoHistory,
};
use crate::{
    history::{Question, TurnRef, Unanswered},
    rules::conversation::rfc3339,
    rules::message_kind::MessageKind,
};

/// Returns the row's key.
pub(super) fn id(of: &ConversationId) -> String {
    format!("unanswered#{of}")
}

/// Reads the question of a row, unless the row has expired or the conversation has gone on since.
pub(super) fn of_item(row: &Item, last: Option<Timestamp>, now: Timestamp) -> Option<Unanswered> {
    let asked_at = head::time(text(row, "createdAt")?)?;
    let is_over = number(row, "expiresAt").is_some_and(|at: i64| at <= now.as_second());
    if is_over || last.is_some_and(|last| asked_at <= last) {
        return None;
    }
    let event = text(row, "event")?.to_owned().try_into().ok()?;
    let message_id = text(row, "messageId").and_then(|id| id.to_owned().try_into().ok());
    let question = text(row, "content")?.to_owned();
    let kind = MessageKind::of_row(text(row, "kind"), &question);
    let speaker = text(row, "speaker").map(ToOwned::to_owned);
    Some(Unanswered { turn: TurnRef { event, message_id }, question, kind, speaker })
}

impl DynamoHistory {
    /// Keeps the unanswered question.
    pub(super) async fn keep_unanswered(
        &self,
        job: &Job,
        question: &Question,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let mut row = key(id(&job.conversation));
        row.insert("event".to_owned(), s(job.event_id.as_str()));
        row.insert("content".to_owned(), s(&question.text));
        row.extend(question.kind.for_row(&question.text).map(|kind| ("kind".to_owned(), s(kind))));
        row.extend(question.speaker.as_ref().map(|name| ("speaker".to_owned(), s(name))));
        row.insert("createdAt".to_owned(), s(rfc3339(now)));
        row.extend(job.message_id().map(|id| ("messageId".to_owned(), s(id.as_str()))));
        row.extend(job.quotes().map(|id| ("quotes".to_owned(), s(id.as_str()))));
        row.extend(question.said_at.map(|at| ("saidAt".to_owned(), n(at))));
        row.insert(
            "expiresAt".to_owned(),
            n(self.expires_at(now).unwrap_or(i64::MAX).min(remembered_until(now))),
        );
        self.client.put_item().table_name(&self.table).set_item(Some(row)).send().await?;
        Ok(())
    }

    /// Deletes the unanswered question if it is this message.
    pub(super) async fn forget_unanswered(
        &self,
        of: &ConversationId,
        message_id: &MessageId,
    ) -> Result<(), DynamoError> {
        let kept = self.items(vec![id(of)]).await?;
        if kept.iter().any(|row| text(row, "messageId") == Some(message_id.as_str())) {
            self.delete_all(&[id(of)]).await?;
        }
        Ok(())
    }
}
