//! Forgetting. First the rows that were said until some time are deleted one by one, and then the head is marked. A
//! late index can still show such rows, and a worker that was thought dead can try to store them: the marker covers
//! both, because they were said no later than the marker's time. An unsent message has an unsent mark, which is a row
//! of its own without words.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::{operation::delete_item::DeleteItemError, types::TransactWriteItem};
use jiff::Timestamp;
use shared::job::{ConversationId, EventId, MessageId};

use super::{
    asked::{Asked, row_ids},
    conflict::Part,
    error::DynamoError,
    group,
    head::Head,
    item::{Item, key, n, number, remembered_until, s, text},
    load,
    quoted::OWN_IDS,
    table::DynamoHistory,
    transaction::retried,
    turn, unanswered, unsent,
};
use crate::{
    history::{Pause, PauseChange, Stage},
    rules::{
        forget_marker::is_said_by,
        turn::{TurnStep, apply},
    },
};

/// The most rows of one transaction (AWS: `TransactWriteItems`).
const ROWS_MAX: usize = 100;
/// The condition that a row was said at `:until` or earlier, or does not keep when it was said.
const SAID_BY: &str = "attribute_not_exists(saidAt) OR saidAt <= :until";

impl DynamoHistory {
    /// Forgets what was said and edited until then, and with `with_settings` also what was chosen and the pause. Deletes the rows
    /// before it sets the marker: after a crash in between, the head still names all rows that must go, and the next
    /// try sets the marker.
    pub(super) async fn forget_conversation(
        &self,
        of: &ConversationId,
        until: i64,
        with_settings: bool,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        retried(|| async {
            let before = self.head(of).await?;
            let mut head = before.clone();
            let (mut ids, mut turns) = (vec![], BTreeSet::new());
            for row in self.all_shown(of, None).await? {
                head.follows(text(&row, "createdAt").unwrap_or_default());
                let is_forgotten = is_said_by(number(&row, "saidAt"), until);
                ids.extend(text(&row, "id").filter(|_| is_forgotten).map(ToOwned::to_owned));
                turns.extend(event_of(&row).filter(|_| is_forgotten));
            }
            let forgotten = head.forget(until, now);
            if with_settings {
                head.pause = Pause::following(head.pause, PauseChange::Forgotten { until });
            }
            ids.extend(forgotten.iter().flat_map(Asked::rows));
            ids.sort();
            ids.dedup();
            // An answer that also answers a later question is still needed for that question.
            let answers: BTreeSet<&EventId> = forgotten.iter().filter_map(Asked::answered_in).collect();
            let (owed, over): (Vec<_>, Vec<_>) =
                answers.into_iter().partition(|event| head.is_waited_for(event));
            turns.extend(over.into_iter().cloned());
            turns.retain(|event| !owed.contains(&event));
            // This comes before the rows are deleted, because they name the turns.
            self.forget_turns(&turns, now).await?;
            self.delete_all(&ids).await?;
            let (mut rows, mut gone) = (vec![], vec![]);
            for event in owed {
                rows.extend(self.forget_answer(event, &mut head, &mut gone, now).await?);
            }
            for id in &gone {
                rows.push(self.delete(id)?);
            }
            rows.push(self.replace(&before, head.row(of, self.head_expires_at(&head, now)))?);
            self.commit(rows).await
        })
        .await?;
        // This follows the marker, because a worker that would write these rows again checks the marker first.
        self.forget_edits(of, until).await?;
        self.delete_if(&unanswered::id(of), SAID_BY, until).await?;
        if with_settings {
            self.delete_if(&load::settings_id(of), SAID_BY, until).await?;
        }
        Ok(())
    }

    /// Deletes a row if this condition on a time (`:until`) holds.
    pub(super) async fn delete_if(&self, id: &str, condition: &str, until: i64) -> Result<(), DynamoError> {
        let row = self.client.delete_item().table_name(&self.table).key("id", s(id));
        let deleted =
            row.condition_expression(condition).expression_attribute_values(":until", n(until)).send().await;
        let kept = deleted.as_ref().err().and_then(|error| error.as_service_error());
        if kept.is_some_and(DeleteItemError::is_conditional_check_failed_exception) {
            return Ok(());
        }
        Ok(deleted.map(drop)?)
    }

    /// Forgets a message and its answer. Writes the unsent mark first, so that nobody stores them any more, and then
    /// deletes the stored rows.
    pub(super) async fn forget_message(
        &self,
        of: &ConversationId,
        message_id: &MessageId,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        let mut unsent = key(unsent::id(message_id));
        unsent.insert("expiresAt".to_owned(), n(remembered_until(now)));
        self.client.put_item().table_name(&self.table).set_item(Some(unsent)).send().await?;
        self.forget_unanswered(of, message_id).await?;
        self.delete_all(&[group::said_id(message_id)]).await?;
        self.forget_question(of, message_id, now).await
    }

    /// Deletes the rows of a message's question and of its answer.
    pub(super) async fn forget_question(
        &self,
        of: &ConversationId,
        message_id: &MessageId,
        now: Timestamp,
    ) -> Result<(), DynamoError> {
        retried(|| async {
            let head = self.head(of).await?;
            let asked: Vec<&Asked> = head.asked_in(message_id).collect();
            let mut ids: Vec<String> = asked.iter().flat_map(|asked| asked.rows()).collect();
            if ids.is_empty() {
                let shown = self.all_shown(of, Some(message_id)).await?;
                ids.extend(shown.iter().filter_map(|row| text(row, "id").map(ToOwned::to_owned)));
                self.forget_turns(&shown.iter().filter_map(event_of).collect(), now).await?;
            }
            if ids.is_empty() {
                return Ok(());
            }
            let mut after = head.clone();
            after.lose(ids.clone());
            let mut rows = vec![];
            for asked in asked {
                let own = asked.event();
                let answered_in = asked.answered_in();
                if answered_in != Some(own) {
                    rows.push(self.forget_turn(own, now)?);
                }
                if let Some(event) = answered_in {
                    rows.extend(self.forget_answer(event, &mut after, &mut ids, now).await?);
                }
            }
            for id in &ids {
                rows.push(self.delete(id)?);
            }
            after.moves_on(now);
            rows.push(self.replace(&head, after.row(of, self.head_expires_at(&after, now)))?);
            self.commit(rows).await
        })
        .await
    }

    /// Forgets the answer of a turn after one of its questions was deleted, and adds its rows to `ids`. If other
    /// questions still wait for the answer, the turn may be answered again for them.
    async fn forget_answer(
        &self,
        event: &EventId,
        after: &mut Head,
        ids: &mut Vec<String>,
        now: Timestamp,
    ) -> Result<Option<(Part, TransactWriteItem)>, DynamoError> {
        let row = self.items(vec![turn::id(event)]).await?.pop().unwrap_or_default();
        let before = turn::state(&row, None);
        if before.stage == Stage::Open {
            return Ok(None);
        }
        let is_owed = after.is_waited_for(event);
        let Ok(next) = apply(&before, &TurnStep::AnswerUnsent { is_owed }) else { return Ok(None) };
        let [question, answer] = row_ids(event);
        let is_open_again = next.stage == Stage::Open;
        let gone = if is_open_again { vec![question, answer] } else { vec![answer] };
        after.lose(gone.clone());
        ids.extend(gone);
        ids.sort();
        ids.dedup();
        if is_open_again {
            return self.open_again(event, now).map(Some);
        }
        after.gives_up(event);
        let stage = if next.stage == Stage::InDoubt { turn::IN_DOUBT } else { turn::FORGOTTEN };
        self.end_turn(event, stage, now).map(Some)
    }

    /// Opens a turn again, to be answered anew, if certainly nothing of its answer has arrived.
    fn open_again(&self, event: &EventId, now: Timestamp) -> Result<(Part, TransactWriteItem), DynamoError> {
        let turn = self
            .update(turn::id(event))
            .update_expression(turn::OPEN_AGAIN)
            .condition_expression(turn::UNSAID)
            .expression_attribute_values(":expiresAt", n(remembered_until(now)))
            .expression_attribute_values(":stored", s(turn::STORED))
            .expression_attribute_values(":zero", n(0))
            .build()?;
        Ok((Part::Any, TransactWriteItem::builder().update(turn).build()))
    }

    /// Ends a turn, whatever its stage is now, so that it is never answered or pushed.
    pub(super) fn forget_turn(
        &self,
        event: &EventId,
        now: Timestamp,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        self.end_turn(event, turn::FORGOTTEN, now)
    }

    /// Ends a turn with this stage.
    fn end_turn(
        &self,
        event: &EventId,
        stage: &str,
        now: Timestamp,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        let turn = self
            .update(turn::id(event))
            .update_expression(turn::FORGET)
            .expression_attribute_values(":expiresAt", n(remembered_until(now)))
            .expression_attribute_values(":forgotten", s(stage))
            .build()?;
        Ok((Part::Any, TransactWriteItem::builder().update(turn).build()))
    }

    /// Ends those of these turns whose answers are stored and not delivered, so that they are not pushed. Removes the ids
    /// of the messages as which the others were sent.
    async fn forget_turns(&self, events: &BTreeSet<EventId>, now: Timestamp) -> Result<(), DynamoError> {
        let events: HashMap<String, &EventId> = events.iter().map(|event| (turn::id(event), event)).collect();
        let mut rows = vec![];
        for row in self.items(events.keys().cloned().collect()).await? {
            let Some((id, event)) = text(&row, "id").and_then(|id| events.get_key_value(id)) else {
                continue;
            };
            let before = turn::state(&row, None);
            let after = apply(&before, &TurnStep::ConversationForgotten);
            if after.is_ok_and(|after| after.stage != before.stage) {
                rows.push(self.forget_turn(event, now)?);
            } else if row.contains_key(OWN_IDS) {
                let turn = self.update(id).update_expression(turn::FORGET_IDS).build()?;
                rows.push((Part::Any, TransactWriteItem::builder().update(turn).build()));
            }
        }
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(ROWS_MAX));
            self.commit(std::mem::replace(&mut rows, rest)).await?;
        }
        Ok(())
    }
}

/// Returns the turn of a message row. Rows of earlier versions do not name it.
fn event_of(row: &Item) -> Option<EventId> {
    text(row, "event")?.to_owned().try_into().ok()
}
