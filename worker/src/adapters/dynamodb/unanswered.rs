//! The row of a conversation's unanswered question, which allows the user to ask it again. The same row notes that the
//! newest answer waits, and then has no words.

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use shared::job::{ConversationId, Job, MessageId};

use super::{
    error::DynamoError,
    head,
    item::{Item, key, n, number, remembered_until, s, text},
    message_row::IMAGE_SET,
    table::DynamoHistory,
};
use crate::{
    history::{Question, TurnRef, Unanswered},
    rules::conversation::rfc3339,
    rules::message_kind::MessageKind,
};

/// The attribute of a row that notes that the newest answer waits.
const WAITS: &str = "waits";
/// The attribute with the images that were asked with the question.
const ASKED_WITH: &str = "askedWith";

/// Returns the row's key.
pub(super) fn id(of: &ConversationId) -> String {
    format!("unanswered#{of}")
}

/// Reads the question of a row, unless the row has expired or the conversation has gone on since.
pub(super) fn of_item(row: &Item, last: Option<Timestamp>, now: Timestamp) -> Option<Unanswered> {
    if row.contains_key(WAITS) || !is_current(row, last, now) {
        return None;
    }
    let event = text(row, "event")?.to_owned().try_into().ok()?;
    let message_id = text(row, "messageId").and_then(|id| id.to_owned().try_into().ok());
    let question = text(row, "content")?.to_owned();
    let kind = MessageKind::of_row(text(row, "kind"), &question);
    let speaker = text(row, "speaker").map(ToOwned::to_owned);
    let image_set = text(row, IMAGE_SET).map(ToOwned::to_owned);
    let turn = TurnRef { event, message_id };
    let asked_with = row.get(ASKED_WITH).and_then(|ids| ids.as_l().ok()).map_or(&[][..], Vec::as_slice);
    let asked_with = asked_with.iter().filter_map(|id| id.as_s().ok()?.clone().try_into().ok()).collect();
    Some(Unanswered { turn, question, kind, speaker, said_at: number(row, "saidAt"), image_set, asked_with })
}

/// Whether a row says that the newest answer waits.
pub(super) fn waits(row: &Item, last: Option<Timestamp>, now: Timestamp) -> bool {
    row.contains_key(WAITS) && is_current(row, last, now)
}

/// Whether the row has not expired, and the conversation has not gone on since.
fn is_current(row: &Item, last: Option<Timestamp>, now: Timestamp) -> bool {
    let kept_at = text(row, "createdAt").and_then(head::time);
    let is_over = number(row, "expiresAt").is_some_and(|at: i64| at <= now.as_second());
    !is_over && kept_at.is_some_and(|kept_at| last.is_none_or(|last| kept_at > last))
}

impl DynamoHistory {
    /// Keeps the unanswered question.
    pub(super) async fn keep_unanswered(
        &self,
        job: &Job,
        question: &Question,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let mut row = self.kept(job, question.said_at, now);
        row.insert("content".to_owned(), s(&question.text));
        row.extend(question.kind.for_row(&question.text).map(|kind| ("kind".to_owned(), s(kind))));
        row.extend(question.speaker.as_ref().map(|name| ("speaker".to_owned(), s(name))));
        row.extend(question.image_set.as_ref().map(|set| (IMAGE_SET.to_owned(), s(set))));
        if !question.asked_with.is_empty() {
            let ids = question.asked_with.iter().map(|id| s(id.as_str())).collect();
            row.insert(ASKED_WITH.to_owned(), AttributeValue::L(ids));
        }
        row.extend(job.quotes().map(|id| ("quotes".to_owned(), s(id.as_str()))));
        self.client.put_item().table_name(&self.table).set_item(Some(row)).send().await?;
        Ok(())
    }

    /// Notes that the newest answer waits.
    pub(super) async fn keep_waiting(&self, job: &Job, now: Timestamp) -> Result<(), DynamoError> {
        let mut row = self.kept(job, job.at(), now);
        row.insert(WAITS.to_owned(), AttributeValue::Bool(true));
        self.client.put_item().table_name(&self.table).set_item(Some(row)).send().await?;
        Ok(())
    }

    /// Returns the attributes that every such row has.
    fn kept(&self, job: &Job, said_at: Option<i64>, now: Timestamp) -> Item {
        let mut row = key(id(&job.conversation));
        row.insert("event".to_owned(), s(job.event_id.as_str()));
        row.insert("createdAt".to_owned(), s(rfc3339(now)));
        row.extend(job.message_id().map(|id| ("messageId".to_owned(), s(id.as_str()))));
        row.extend(said_at.map(|at| ("saidAt".to_owned(), n(at))));
        let until = self.expires_at(now).unwrap_or(i64::MAX).min(remembered_until(now));
        row.insert("expiresAt".to_owned(), n(until));
        row
    }

    /// Deletes the unanswered question if it is this message.
    pub(super) async fn forget_unanswered(
        &self,
        of: &ConversationId,
        message_id: &MessageId,
    ) -> Result<(), DynamoError> {
        self.forget_row(of, |row| text(row, "messageId") == Some(message_id.as_str())).await
    }

    /// Deletes the note that the answer of this job waits.
    pub(super) async fn forget_waiting(&self, job: &Job) -> Result<(), DynamoError> {
        let is_of_job = |row: &Item| text(row, "event") == Some(job.event_id.as_str());
        self.forget_row(&job.conversation, |row| row.contains_key(WAITS) && is_of_job(row)).await
    }

    async fn forget_row(
        &self,
        of: &ConversationId,
        is_it: impl Fn(&Item) -> bool,
    ) -> Result<(), DynamoError> {
        if self.items(vec![id(of)]).await?.iter().any(is_it) {
            self.delete_all(&[id(of)]).await?;
        }
        Ok(())
    }
}
