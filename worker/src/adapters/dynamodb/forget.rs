//! Forgetting. A conversation is deleted row by row, and then its head is marked: whatever an index that
//! lags still shows, and whatever a worker that was thought dead would store, is older than the mark. A
//! message that was taken back has a row of its own that says so, and no words.

use aws_sdk_dynamodb::types::{DeleteRequest, TransactWriteItem, WriteRequest};
use jiff::Timestamp;
use shared::job::{ConversationId, EventId, MessageId};

use super::{
    DynamoError, DynamoHistory, Item, group, head,
    head::Asked,
    key, load, n, remembered_until, s, text,
    transaction::{Committed, Part, TRIES, codes},
    turn, unanswered,
};
use crate::history::Stage;

/// The most rows of one batch (AWS: `BatchWriteItem`).
const BATCH: usize = 25;
/// How often the rest of a batch is asked for, which DynamoDB leaves when it is short of capacity.
const BATCH_TRIES: u32 = 6;

impl DynamoHistory {
    /// Forgets what was said, and perhaps what was chosen. Deleting comes first, so that a crash on the
    /// way leaves the mark to be set by whoever tries again, with all that must go still named.
    pub(super) async fn forget_conversation(
        &self,
        of: &ConversationId,
        with_settings: bool,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let mut met = vec![];
        for tries in 0..TRIES {
            let mut head = self.head(of).await?;
            let before = head.clone();
            let mut ids: Vec<String> = head.events().flat_map(head::row_ids).collect();
            for row in self.all_shown(of, None).await? {
                ids.extend(text(&row, "id").map(ToOwned::to_owned));
                head.follows(text(&row, "createdAt").unwrap_or_default());
            }
            ids.extend(self.edited(of).await?);
            ids.sort();
            ids.dedup();
            self.delete_all(&ids).await?;
            self.forget_undelivered(head.events(), now).await?;
            head.forget(now);
            let mut rows = vec![
                self.replace(&before, head.row(of, self.head_expires_at(&head, now)))?,
                self.delete(unanswered::id(of))?,
            ];
            if with_settings {
                rows.push(self.delete(load::settings_id(of))?);
            }
            match self.commit(rows).await? {
                Committed::Done => return Ok(()),
                Committed::Met(reasons) => met = codes(&reasons),
            }
            self.pause(tries).await;
        }
        Err(DynamoError::Cancelled(met))
    }

    /// Forgets a message and its answer. First of all nobody stores them any more; then what is stored
    /// goes.
    pub(super) async fn forget_message(
        &self,
        of: &ConversationId,
        message_id: &MessageId,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let mut unsent = key(load::unsent_id(message_id));
        unsent.insert("expiresAt".to_owned(), n(remembered_until(now)));
        self.client.put_item().table_name(&self.table).set_item(Some(unsent)).send().await?;
        self.forget_unanswered(of, message_id).await?;
        self.delete_all(&[group::said_id(message_id)]).await?;
        let mut met = vec![];
        for tries in 0..TRIES {
            let head = self.head(of).await?;
            let mut ids: Vec<String> = head.asked_in(message_id).flat_map(Asked::rows_to_forget).collect();
            if ids.is_empty() {
                let shown = self.all_shown(of, Some(message_id)).await?;
                ids.extend(shown.iter().filter_map(|row| text(row, "id").map(ToOwned::to_owned)));
            }
            if ids.is_empty() {
                return Ok(());
            }
            let mut rows = ids.iter().map(|id| self.delete(id)).collect::<Result<Vec<_>, _>>()?;
            for event in head.asked_in(message_id).flat_map(Asked::events) {
                rows.push(self.forget_turn(event, now)?);
            }
            let mut after = head.clone();
            after.lose(ids);
            after.moves_on(now);
            rows.push(self.replace(&head, after.row(of, self.head_expires_at(&after, now)))?);
            match self.commit(rows).await? {
                Committed::Done => return Ok(()),
                Committed::Met(reasons) => met = codes(&reasons),
            }
            self.pause(tries).await;
        }
        Err(DynamoError::Cancelled(met))
    }

    /// A turn that shall never be answered nor pushed, whatever it is now.
    pub(super) fn forget_turn(
        &self,
        event: &EventId,
        now: Timestamp,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        let turn = self
            .update(turn::id(event))
            .update_expression(turn::FORGET)
            .expression_attribute_values(":expiresAt", n(remembered_until(now)))
            .expression_attribute_values(":forgotten", s(turn::FORGOTTEN))
            .build()?;
        Ok((Part::Any, TransactWriteItem::builder().update(turn).build()))
    }

    /// Of these turns, those whose answers are stored and not delivered are not to be pushed.
    async fn forget_undelivered(
        &self,
        events: impl Iterator<Item = &EventId>,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let events: Vec<&EventId> = events.collect();
        let turns = self.items(events.iter().map(|event| turn::id(event)).collect()).await?;
        let stored = |event: &&&EventId| {
            let is_it = |row: &&Item| text(row, "id") == Some(&turn::id(event));
            turns.iter().find(is_it).is_some_and(|row| matches!(turn::stage(row), Stage::Stored(_)))
        };
        let stored: Vec<_> = events.iter().filter(stored).collect();
        if stored.is_empty() {
            return Ok(());
        }
        let rows = stored.into_iter().map(|event| self.forget_turn(event, now));
        match self.commit(rows.collect::<Result<_, _>>()?).await? {
            Committed::Done => Ok(()),
            Committed::Met(reasons) => Err(DynamoError::Cancelled(codes(&reasons))),
        }
    }

    /// Deletes these rows, as far as they are there.
    pub(super) async fn delete_all(&self, ids: &[String]) -> Result<(), DynamoError> {
        let request = |id: &String| {
            let delete = DeleteRequest::builder().set_key(Some(key(id))).build()?;
            Ok::<_, DynamoError>(WriteRequest::builder().delete_request(delete).build())
        };
        self.write_all(&ids.iter().map(request).collect::<Result<Vec<_>, _>>()?).await
    }

    /// Writes these rows, each for itself.
    pub(super) async fn write_all(&self, requests: &[WriteRequest]) -> Result<(), DynamoError> {
        for chunk in requests.chunks(BATCH) {
            let mut left = chunk.to_vec();
            for tries in 0.. {
                let request = self.client.batch_write_item().request_items(&self.table, left);
                let unprocessed = request.send().await?.unprocessed_items.unwrap_or_default();
                left = unprocessed.into_values().flatten().collect();
                if left.is_empty() {
                    break;
                }
                if tries == BATCH_TRIES {
                    return Err(DynamoError::Unprocessed(left.len()));
                }
                self.pause(tries).await;
            }
        }
        Ok(())
    }
}
