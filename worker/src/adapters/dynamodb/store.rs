//! Storing an answer: both message rows, the turn row and the head row in one transaction, all or
//! nothing, and only if nobody stored one before and nobody wants it forgotten.

use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
};
use jiff::Timestamp;
use shared::job::Job;

use super::{
    DynamoError, DynamoHistory, Head, Item, forget, key, load, n, remembered_until, s,
    transaction::{Committed, Part, Rows, TRIES, codes, unmet},
    turn,
};
use crate::{
    conversation::{Role, rfc3339, stamps},
    history::{Answer, Delivery, Exchange, Kept, Mark, Spent, row_id},
};

impl DynamoHistory {
    /// Stores an answer with its pushes.
    pub(super) async fn store_answer(
        &self,
        job: &Job,
        mut answer: Answer,
        seen: Option<Mark>,
        now: Timestamp,
    ) -> Result<Kept, DynamoError> {
        let mut known = self.recall(&job.conversation).filter(|head| head.forgotten == seen);
        let mut met = vec![];
        for tries in 0..TRIES {
            let mut rows = vec![self.turn_row(job, &answer, now)?];
            if let Some(spent) = &answer.spent {
                rows.push(self.usage_row(job, spent, now)?);
            }
            if let Some(exchange) = &answer.exchange {
                let head = match known.take() {
                    Some(head) => head,
                    None => self.head_to_follow(&job.conversation, now).await?,
                };
                // One that was seen and is gone has expired meanwhile: it was old.
                if head.forgotten.is_some() && head.forgotten != seen {
                    return Ok(Kept::Forgotten);
                }
                rows.extend(self.exchange_rows(job, exchange, &head, now)?);
            }
            let reasons = match self.commit(rows).await? {
                Committed::Done => return Ok(stored(answer, now)),
                Committed::Met(reasons) => reasons,
            };
            if let Some(row) = unmet(&reasons, Part::Turn).and_then(|reason| reason.item()) {
                return Ok(Kept::Theirs(turn::stage(row)));
            }
            if unmet(&reasons, Part::NotUnsent).is_some() {
                return Ok(Kept::Forgotten);
            }
            if unmet(&reasons, Part::Message).is_some() {
                return Err(DynamoError::Orphaned);
            }
            if unmet(&reasons, Part::Usage).is_some() {
                // The user was told before: this time there is nothing to say.
                answer.pushes.clear();
                answer.spent = answer.spent.map(|spent| Spent { told: None, ..spent });
            }
            met = codes(&reasons);
            self.pause(tries).await;
        }
        Err(DynamoError::Cancelled(met))
    }

    /// The turn with its pushes, if it has none yet.
    fn turn_row(
        &self,
        job: &Job,
        answer: &Answer,
        now: Timestamp,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        let turn = self
            .update(turn::id(&job.event_id))
            .update_expression(turn::STORE)
            .condition_expression(turn::OPEN)
            .expression_attribute_values(":expiresAt", n(remembered_until(now)))
            .expression_attribute_values(":stored", s(turn::STORED))
            .expression_attribute_values(":pushes", AttributeValue::L(answer.pushes.iter().map(s).collect()))
            .expression_attribute_values(":byReply", AttributeValue::Bool(answer.by_reply))
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":now", s(rfc3339(now)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        Ok((Part::Turn, TransactWriteItem::builder().update(turn).build()))
    }

    /// What the user used up, and of what limit this tells, if for the first time.
    fn usage_row(
        &self,
        job: &Job,
        spent: &Spent,
        now: Timestamp,
    ) -> Result<(Part, TransactWriteItem), DynamoError> {
        let tokens = i64::try_from(spent.tokens).unwrap_or(i64::MAX);
        let usage = self
            .update(load::usage_id(&job.conversation, spent.period))
            .expression_attribute_values(":expiresAt", n(remembered_until(now)))
            .expression_attribute_values(":answers", n(spent.answers))
            .expression_attribute_values(":tokens", n(tokens));
        let count = "SET expiresAt = :expiresAt ADD answers :answers, tokens :tokens";
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

    /// The two rows of a turn, and the head that names it; the rows that it replaces go.
    fn exchange_rows(
        &self,
        job: &Job,
        exchange: &Exchange,
        head: &Head,
        now: Timestamp,
    ) -> Result<Rows, DynamoError> {
        let stamps = stamps(now, head.last);
        let mut rows = vec![];
        for (role, content, at) in
            [(Role::User, &exchange.question, stamps.0), (Role::Assistant, &exchange.answer, stamps.1)]
        {
            let put = self.put(self.message_row(job, exchange, role, content, at, now));
            let put = put.condition_expression("attribute_not_exists(id)").build()?;
            rows.push((Part::Message, TransactWriteItem::builder().put(put).build()));
        }
        let mut next = head.clone();
        if let Some(old) = &exchange.replaces {
            let ids = forget::row_ids(old);
            for id in &ids {
                rows.push(self.delete(id)?);
            }
            next.lose(ids);
            rows.push(self.forget_turn(old, now)?);
        }
        next.answered(&job.event_id, exchange.message_id.as_ref(), stamps);
        rows.push(self.replace(head, next.row(&job.conversation, self.head_expires_at(&next, now)))?);
        if let Some(message_id) = &exchange.message_id {
            let check = ConditionCheck::builder()
                .table_name(&self.table)
                .set_key(Some(key(load::unsent_id(message_id))))
                .condition_expression("attribute_not_exists(id)")
                .build()?;
            rows.push((Part::NotUnsent, TransactWriteItem::builder().condition_check(check).build()));
        }
        Ok(rows)
    }

    fn message_row(
        &self,
        job: &Job,
        exchange: &Exchange,
        role: Role,
        content: &str,
        at: Timestamp,
        now: Timestamp,
    ) -> Item {
        let mut row = Item::from([
            ("id".to_owned(), s(row_id(&job.event_id, role))),
            ("lineUserId".to_owned(), s(job.conversation.as_str())),
            ("role".to_owned(), s(role.as_str())),
            ("content".to_owned(), s(content)),
            ("createdAt".to_owned(), s(rfc3339(at))),
            ("updatedAt".to_owned(), s(rfc3339(at))),
        ]);
        row.extend(exchange.message_id.as_ref().map(|id| ("messageId".to_owned(), s(id.as_str()))));
        row.extend(self.expires_at(now).map(|at| ("expiresAt".to_owned(), n(at))));
        row
    }

    /// When a message row stored now expires.
    pub(super) fn expires_at(&self, now: Timestamp) -> Option<i64> {
        Some(now.checked_add(self.ttl?).ok()?.as_second())
    }

    /// When a head row stored now expires: with the last row it names, and not before its mark may.
    pub(super) fn head_expires_at(&self, head: &Head, now: Timestamp) -> Option<i64> {
        let mark = head.forgotten.map(|mark| remembered_until(mark.at));
        self.expires_at(now).map(|at| at.max(mark.unwrap_or(at)))
    }
}

/// Pushing begins right after: from here on a crash leaves the outcome of the first push unknown.
fn stored(Answer { pushes, by_reply, .. }: Answer, now: Timestamp) -> Kept {
    Kept::Mine(Delivery { pushes, pushed: 0, unknown_since: Some(now), by_reply })
}
