//! Storing an answer. One transaction writes message rows, turn rows and the head row, all or nothing, and only if no
//! answer was stored before and nothing of it was forgotten.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem};
use jiff::Timestamp;
use shared::job::{EventId, Job, MessageId};
use tokio::time::sleep;

use super::{
    asked::row_ids,
    conflict::Part,
    error::DynamoError,
    group,
    head::Head,
    item::{Item, n, remembered_until, s},
    load,
    message_row::IMAGE_SET,
    table::DynamoHistory,
    transaction::{Rows, pause},
    turn,
};
use crate::{
    history::{
        Answer, Exchange, ForgetMarker, PushProgress, PushState, Question, SendMethod, Stage, StoreResult,
        Tokens, TurnRef, UsageDelta, WindowStart, row_id,
    },
    rules::{
        conversation::{Role, rfc3339},
        forget_marker::Fit,
        message_kind::MessageKind,
        turn::{Conflict as TurnConflict, TurnStep, apply},
    },
};

impl DynamoHistory {
    /// Stores an answer with its pushes.
    pub(super) async fn store_answer(
        &self,
        job: &Job,
        mut answer: Answer,
        seen: Option<ForgetMarker>,
        now: Timestamp,
    ) -> Result<StoreResult, DynamoError> {
        let stops = |head: &Head| head.pause.is_some_and(|pause| pause.stops(job, now));
        // A pause that was seen may be over, and an answer is made anew only for one that runs.
        let mut known = self.recall(&job.conversation).filter(|head| head.forgotten == seen && !stops(head));
        let mut tries = 0;
        loop {
            let mut rows = vec![self.turn_row(job, &answer, now)?];
            if let Some(spent) = &answer.spent {
                rows.push(self.usage_row(job, spent, now)?);
            }
            if let Some(exchange) = &answer.exchange {
                let head = match known.take() {
                    Some(head) => head,
                    None => self.head_to_follow(&job.conversation, now).await?,
                };
                // A marker that was seen and is gone has expired in the meantime, because it was old.
                let said = exchange.questions.iter().map(|said| said.said_at);
                match head.forgotten.map_or(Fit::Fits, |marker| marker.fit(job, said, seen)) {
                    Fit::Fits => {}
                    Fit::Stale => return self.existing_or(StoreResult::Changed, job, &answer, now).await,
                    Fit::Forgotten => {
                        return self.existing_or(StoreResult::Forgotten, job, &answer, now).await;
                    }
                }
                if stops(&head) || head.others(&job.event_id) != answer.others {
                    return self.existing_or(StoreResult::Changed, job, &answer, now).await;
                }
                let window = answer.window.clone().map(|window| window.following(head.window.as_ref()));
                rows.extend(self.exchange_rows(job, exchange, answer.quotes.as_ref(), window, &head, now)?);
                let is_own =
                    |id: &&MessageId| exchange.questions.iter().any(|q| q.message_id.as_ref() == Some(*id));
                if let Some(quoted) = answer.quoted_from.as_ref().filter(|id| !is_own(id)) {
                    rows.push((Part::Quoted, self.not_unsent(quoted)?.1));
                }
            }
            for event in &answer.merged {
                rows.push(self.answered_with(event, now)?);
            }
            rows.extend(self.said_rows(job, &answer, now)?);
            let conflict = match self.commit(rows).await {
                Ok(()) => return Ok(stored(answer, now)),
                Err(DynamoError::Conflict(conflict)) => conflict,
                Err(error) => return Err(error),
            };
            let own = conflict.of(Part::Turn).and_then(|reason| reason.item());
            if let Some(existing) = own.map(|row| existing(row, &answer, now)).transpose()?.flatten() {
                return Ok(existing);
            }
            if let Some(reason) = conflict.of(Part::Said) {
                let is_answered = reason.item().is_some_and(|row| group::answered_by(row).is_some());
                return Ok(if is_answered {
                    StoreResult::Existing(Stage::Delivered)
                } else {
                    StoreResult::Changed
                });
            }
            if conflict.of(Part::NotUnsent).is_some() {
                return Ok(StoreResult::Forgotten);
            }
            if conflict.of(Part::OtherTurn).is_some() {
                return Ok(StoreResult::Overtaken);
            }
            if conflict.of(Part::Quoted).is_some() {
                return Ok(StoreResult::Changed);
            }
            if conflict.of(Part::Message).is_some() {
                return Err(DynamoError::Orphaned);
            }
            if conflict.of(Part::Usage).is_some() {
                // The user got this refusal before, so that this time there is nothing to say.
                answer.pushes.clear();
                if let Some(spent) = &mut answer.spent {
                    spent.told = None;
                }
            }
            sleep(pause(tries, DynamoError::Conflict(conflict))?).await;
            tries += 1;
        }
    }

    /// Returns the stage that the turn already has, if that allows no answer, or else `refused`.
    async fn existing_or(
        &self,
        refused: StoreResult,
        job: &Job,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<StoreResult, DynamoError> {
        let row = self.items(vec![turn::id(&job.event_id)]).await?.pop().unwrap_or_default();
        Ok(existing(&row, answer, now)?.unwrap_or(refused))
    }

    /// Builds the update that stores the pushes in the turn's row, if the turn has none yet.
    fn turn_row(
        &self,
        job: &Job,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        let turn = self
            .update(turn::id(&job.event_id))
            .update_expression(turn::STORE)
            .condition_expression(turn::by(turn::OPEN, answer.by))
            .expression_attribute_values(":expiresAt", n(remembered_until(now)))
            .expression_attribute_values(":stored", s(turn::STORED))
            .expression_attribute_values(":pushes", AttributeValue::L(answer.pushes.iter().map(s).collect()))
            .expression_attribute_values(
                ":byReply",
                AttributeValue::Bool(answer.method == SendMethod::ReplyToken),
            )
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":now", s(rfc3339(now)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let turn = match answer.by {
            Some(by) => turn.expression_attribute_values(":by", n(by)),
            None => turn,
        };
        Ok((Part::Turn, TransactWriteItem::builder().update(turn.build()?).build()))
    }

    /// Builds the update that counts the user's usage. For a refusal, its condition is that the user gets it for the
    /// first time.
    fn usage_row(
        &self,
        job: &Job,
        spent: &UsageDelta,
        now: Timestamp,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        let Tokens { prompt, cached, cache_written, completion } = spent.tokens;
        let count = |tokens: u64| n(i64::try_from(tokens).unwrap_or(i64::MAX));
        let usage = self
            .update(load::usage_id(job.user(), spent.period))
            .expression_attribute_values(":expiresAt", n(remembered_until(now)))
            .expression_attribute_values(":answers", n(spent.answers))
            .expression_attribute_values(":tokens", count(spent.tokens.total()))
            .expression_attribute_values(":prompt", count(prompt))
            .expression_attribute_values(":cached", count(cached))
            .expression_attribute_values(":cacheWritten", count(cache_written))
            .expression_attribute_values(":completion", count(completion));
        let set = "SET expiresAt = :expiresAt";
        let add = "ADD answers :answers, tokens :tokens, promptTokens :prompt, cachedTokens :cached, cacheWrittenTokens :cacheWritten, completionTokens :completion";
        let (usage, count) = match &spent.fallback {
            None => (usage, format!("{set} {add}")),
            Some(model) => (
                usage.expression_attribute_values(":model", s(model)),
                format!(
                    "{set}, fallbackModel = :model {add}, fallbackAnswers :answers, fallbackPromptTokens :prompt, \
                     fallbackCachedTokens :cached, fallbackCacheWrittenTokens :cacheWritten, \
                     fallbackCompletionTokens :completion"
                ),
            ),
        };
        let usage = match spent.told {
            None => usage.update_expression(count),
            Some(limit) => usage
                .update_expression(format!("{count}, told :told"))
                .condition_expression("attribute_not_exists(told) OR NOT contains(told, :limit)")
                .expression_attribute_values(":told", AttributeValue::Ss(vec![limit.as_str().to_owned()]))
                .expression_attribute_values(":limit", s(limit.as_str())),
        };
        Ok((Part::Usage, TransactWriteItem::builder().update(usage.build()?).build()))
    }

    /// Builds the rows of an exchange and the head that names its turns. The rows that the exchange replaces are
    /// deleted.
    fn exchange_rows(
        &self,
        job: &Job,
        exchange: &Exchange,
        quotes: Option<&MessageId>,
        window: Option<WindowStart>,
        head: &Head,
        now: Timestamp,
    ) -> Result<Rows, DynamoError> {
        let Exchange { questions, answer, model, replaces } = exchange;
        let own = &job.event_id;
        let (mut next, mut rows) = (head.clone(), vec![]);
        next.window = window.or(next.window);
        for Question { event, text, kind, speaker, message_id, said_at, image_set, .. } in questions {
            let named = TurnRef { event: event.clone(), message_id: message_id.clone() };
            let at = next.asked(named, *said_at, (event != own).then_some(own), now);
            let mut row = self.message_row(job, event, Role::User, text, at, now);
            row.extend(kind.for_row(text).map(|kind| ("kind".to_owned(), s(kind))));
            row.extend(speaker.as_ref().map(|name| ("speaker".to_owned(), s(name))));
            row.extend(said_at.map(|at| ("saidAt".to_owned(), n(at))));
            row.extend(image_set.as_ref().map(|set| (IMAGE_SET.to_owned(), s(set))));
            let quotes = quotes.filter(|_| event == own);
            row.extend(quotes.map(|id| ("quotes".to_owned(), s(id.as_str()))));
            rows.push(self.new_message(row, message_id.as_ref())?);
            if let Some(message_id) = message_id {
                rows.push(self.not_unsent(message_id)?);
            }
        }
        if let Some(old) = replaces {
            for id in row_ids(old) {
                rows.push(self.delete(id)?);
            }
            next.replaced(old, own);
            rows.push(self.forget_turn(old, now)?);
        }
        let at = next.further_row(now);
        let mut row = self.message_row(job, own, Role::Assistant, answer, at, now);
        row.extend(MessageKind::Text.for_row(answer).map(|kind| ("kind".to_owned(), s(kind))));
        row.insert("model".to_owned(), s(model));
        row.insert("event".to_owned(), s(own.as_str()));
        row.extend(job.at().map(|at| ("saidAt".to_owned(), n(at))));
        let others: Vec<_> = next.answered_with(own).map(|id| s(id.as_str())).collect();
        if !others.is_empty() {
            row.insert("messageIds".to_owned(), AttributeValue::L(others));
        }
        rows.push(self.new_message(row, questions.last().and_then(|said| said.message_id.as_ref()))?);
        rows.push(self.replace(head, next.row(&job.conversation, self.head_expires_at(&next, now)))?);
        Ok(rows)
    }

    /// Builds the update that ends another turn together with this one, if the other turn is open.
    fn answered_with(
        &self,
        event: &EventId,
        now: Timestamp,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        let turn = self
            .update(turn::id(event))
            .update_expression(turn::MERGE)
            .condition_expression(turn::OPEN)
            .expression_attribute_values(":expiresAt", n(remembered_until(now)))
            .expression_attribute_values(":delivered", s(turn::DELIVERED))
            .build()?;
        Ok((Part::OtherTurn, TransactWriteItem::builder().update(turn).build()))
    }

    /// Builds the insertion of a message row that must not exist yet.
    fn new_message(
        &self,
        mut row: Item,
        message_id: Option<&MessageId>,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        row.extend(message_id.map(|id| ("messageId".to_owned(), s(id.as_str()))));
        let put = self.put(row).condition_expression("attribute_not_exists(id)").build()?;
        Ok((Part::Message, TransactWriteItem::builder().put(put).build()))
    }

    fn message_row(
        &self,
        job: &Job,
        event: &EventId,
        role: Role,
        content: &str,
        at: Timestamp,
        now: Timestamp,
    ) -> Item {
        let mut row = Item::from([
            ("id".to_owned(), s(row_id(event, role))),
            ("lineUserId".to_owned(), s(job.conversation.as_str())),
            ("role".to_owned(), s(role.as_str())),
            ("content".to_owned(), s(content)),
            ("createdAt".to_owned(), s(rfc3339(at))),
            ("updatedAt".to_owned(), s(rfc3339(at))),
        ]);
        row.extend(self.expires_at(now).map(|at| ("expiresAt".to_owned(), n(at))));
        row
    }
}

/// Returns the stage that the turn of a row already has, if that allows no answer; an error if another attempt has
/// begun.
fn existing(row: &Item, answer: &Answer, now: Timestamp) -> Result<Option<StoreResult>, DynamoError> {
    let step = TurnStep::Stored { by: answer.by, method: answer.method, now };
    match apply(&turn::state(row, None), &step) {
        Ok(_) => Ok(None),
        Err(TurnConflict::Overtaken) => Err(DynamoError::Overtaken),
        Err(_) => Ok(Some(StoreResult::Existing(turn::stage(row)))),
    }
}

/// Returns the result that [`turn::STORE`] has written: from here on a crash leaves the outcome of the first push
/// unknown.
fn stored(answer: Answer, now: Timestamp) -> StoreResult {
    let first = PushProgress { pushed: 0, state: PushState::Untried { since: now }, method: answer.method };
    StoreResult::Stored(first.of(answer.pushes))
}
