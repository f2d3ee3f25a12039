//! Finding a quoted message. A person's question is found by its message id, and an answer by the ids that its turn row
//! keeps. The candidates come from the head and the index; the words are read by key, so that a row that the index still
//! shows although it is deleted is not found.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use shared::job::{ConversationId, EventId, MessageId};

use super::{
    asked::row_ids,
    error::DynamoError,
    item::{Item, text},
    message_row::Row,
    table::DynamoHistory,
    turn, unanswered,
};
use crate::{
    history::{QUOTABLE_ROWS, Quote, Quoted, QuotedWords, Unanswered},
    rules::conversation::{Message, Role},
};

/// The attribute of a turn row with the ids of the messages as which its answer was sent.
pub(super) const OWN_IDS: &str = "ownIds";

impl DynamoHistory {
    /// Returns the message that a question quotes.
    pub(super) async fn find_quoted(
        &self,
        of: &ConversationId,
        quote: &Quote,
        now: Timestamp,
    ) -> Result<Option<Quoted>, DynamoError> {
        let message_id = match quote {
            Quote::Of(message_id) => Some(message_id.clone()),
            Quote::In(event) => self.quoted_in(of, event).await?,
        };
        let Some(message_id) = message_id else { return Ok(None) };
        let words = self.quoted_words(of, &message_id, now).await?;
        Ok(Some(Quoted { message_id, words }))
    }

    /// Returns the message that the question of a turn quotes.
    async fn quoted_in(
        &self,
        of: &ConversationId,
        event: &EventId,
    ) -> Result<Option<MessageId>, DynamoError> {
        let [question, _] = row_ids(event);
        let rows = self.items(vec![question.clone(), unanswered::id(of)]).await?;
        let is_own =
            |row: &&Item| text(row, "id") == Some(&question) || text(row, "event") == Some(event.as_str());
        let own = rows.iter().filter(is_own);
        Ok(own.filter_map(|row| text(row, "quotes")).find_map(|id| id.to_owned().try_into().ok()))
    }

    async fn quoted_words(
        &self,
        of: &ConversationId,
        message_id: &MessageId,
        now: Timestamp,
    ) -> Result<Option<QuotedWords>, DynamoError> {
        let (head, shown) = tokio::try_join!(self.head(of), self.newest_shown(of, QUOTABLE_ROWS))?;
        let asked = head.asked_in(message_id).next().map(|asked| row_ids(asked.event())[0].clone());
        if let Some(id) = asked.or_else(|| question_in(&shown, message_id)) {
            let found = self.words_of(of, id, now).await?;
            return Ok(found.map(|(message, _)| QuotedWords {
                message,
                place: 0,
                of: 1,
                said_in: Some(message_id.clone()),
            }));
        }
        let mut seen = HashSet::new();
        let events = head.answers().cloned().chain(shown.iter().filter_map(answered_in));
        let turns = events.filter(|event| seen.insert(event.clone())).map(|event| (turn::id(&event), event));
        let turns: Vec<(String, EventId)> = turns.collect();
        let ids = turns.iter().map(|(id, _)| id.clone()).chain([unanswered::id(of)]);
        let rows = self.items(ids.collect()).await?;
        for row in &rows {
            let own = row.get(OWN_IDS).and_then(|ids| ids.as_l().ok()).map_or(&[][..], Vec::as_slice);
            let is_it = |id: &AttributeValue| id.as_s().is_ok_and(|id| id == message_id.as_str());
            let Some(place) = own.iter().position(is_it) else { continue };
            let Some((_, event)) = turns.iter().find(|(id, _)| text(row, "id") == Some(id)) else { continue };
            let [_, answer] = row_ids(event);
            let found = self.words_of(of, answer, now).await?;
            return Ok(found.map(|(message, said_in)| QuotedWords {
                message,
                place,
                of: own.len(),
                said_in,
            }));
        }
        let kept = rows.iter().find(|row| text(row, "id") == Some(&unanswered::id(of)));
        let kept = kept.and_then(|row| unanswered::of_item(row, head.last_said(), now));
        let kept = kept.filter(|kept| kept.turn.message_id.as_ref() == Some(message_id));
        Ok(kept.map(|Unanswered { turn, question, kind, speaker, .. }| QuotedWords {
            message: Message { role: Role::User, content: question, kind, speaker },
            place: 0,
            of: 1,
            said_in: turn.message_id,
        }))
    }

    /// Reads the words of a message row of this conversation, and the message that it is or answers.
    async fn words_of(
        &self,
        of: &ConversationId,
        id: String,
        now: Timestamp,
    ) -> Result<Option<(Message, Option<MessageId>)>, DynamoError> {
        let Some(row) = self.items(vec![id]).await?.pop() else { return Ok(None) };
        if text(&row, "lineUserId") != Some(of.as_str()) {
            return Ok(None);
        }
        let said_in = text(&row, "messageId").and_then(|id| id.to_owned().try_into().ok());
        Ok(Row::of_item(&row, now).and_then(|row| row.message).map(|message| (message, said_in)))
    }
}

/// Returns the id of the question's row with this message. The answer's row has the same message. It is newer, and
/// names its turn if it is not of an earlier version.
fn question_in(shown: &[Item], message_id: &MessageId) -> Option<String> {
    let is_it =
        |row: &&Item| text(row, "messageId") == Some(message_id.as_str()) && answered_in(row).is_none();
    shown.iter().rev().find(is_it).and_then(|row| text(row, "id")).map(ToOwned::to_owned)
}

/// Returns the turn of a row that is an answer.
fn answered_in(row: &Item) -> Option<EventId> {
    let event = text(row, "event")?.to_owned().try_into().ok()?;
    let [_, answer] = row_ids(&event);
    (text(row, "id") == Some(&answer)).then_some(event)
}
