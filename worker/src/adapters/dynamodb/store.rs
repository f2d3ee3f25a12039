//! Storing an answer: both message rows, the turn row and the head row in one transaction, all or
//! nothing, and only if nobody stored one before.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        AttributeValue, CancellationReason, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        Update,
    },
};
use jiff::Timestamp;
use shared::job::Job;

use super::{DynamoError, DynamoHistory, Head, Item, condition_failed, n, s, turn};
use crate::{
    conversation::{Role, rfc3339, stamps},
    history::{Delivery, Exchange, Kept, Stage, row_id},
};

/// How often a transaction is tried that met another one.
const TRIES: u32 = 6;
/// The pause before the second try, growing with each further one.
const PAUSE: Duration = Duration::from_millis(20);

/// What came of one transaction.
enum Written {
    /// The answer is stored.
    Stored,
    /// Another attempt stored one before: this is how far it got.
    Before(Stage),
    /// The conversation's head moved on meanwhile, or another transaction was at the same rows.
    Met(Vec<String>),
}

impl DynamoHistory {
    /// Stores both rows of a turn with its pushes.
    pub(super) async fn store_turn(
        &self,
        job: &Job,
        exchange: &Exchange,
        pushes: Vec<String>,
        now: Timestamp,
    ) -> Result<Kept, DynamoError> {
        let mut known = self.recall(&job.conversation);
        let mut met = vec![];
        for tries in 0..TRIES {
            let head = match known.take() {
                Some(head) => head,
                None => self.head_to_follow(&job.conversation, now).await?,
            };
            match self.transact(job, exchange, &pushes, &head, now).await? {
                Written::Stored => return Ok(stored(pushes, now)),
                Written::Before(stage) => return Ok(Kept::Theirs(stage)),
                Written::Met(codes) => met = codes,
            }
            tokio::time::sleep(PAUSE.mul_f64(f64::from(tries) + fastrand::f64())).await;
        }
        Err(DynamoError::Cancelled(met))
    }

    /// Stores pushes that are no part of the conversation: the turn row alone.
    pub(super) async fn store_pushes(
        &self,
        job: &Job,
        pushes: Vec<String>,
        now: Timestamp,
    ) -> Result<Kept, DynamoError> {
        let written = turn::update(&self.client, &self.table, job, now)
            .update_expression(turn::STORE)
            .condition_expression(turn::OPEN)
            .set_expression_attribute_values(Some(turn_values(&pushes, now)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match written {
            Ok(_) => Ok(stored(pushes, now)),
            Err(error) => Ok(Kept::Theirs(turn::stage(&condition_failed(error)?))),
        }
    }

    async fn transact(
        &self,
        job: &Job,
        exchange: &Exchange,
        pushes: &[String],
        head: &Head,
        now: Timestamp,
    ) -> Result<Written, DynamoError> {
        let stamps = stamps(now, head.last);
        let put = |item: Item| Put::builder().table_name(&self.table).set_item(Some(item));
        let message = |role, content: &str, at| {
            put(self.message_row(job, role, content, at, now))
                .condition_expression("attribute_not_exists(id)")
                .build()
        };
        let question = message(Role::User, &exchange.question, stamps.0)?;
        let answer = message(Role::Assistant, &exchange.answer, stamps.1)?;
        let turn = Update::builder()
            .table_name(&self.table)
            .key("id", s(turn::id(&job.event_id)))
            .update_expression(turn::STORE)
            .condition_expression(turn::OPEN)
            .set_expression_attribute_values(Some(turn_values(pushes, now)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()?;
        let head_row = put(head.with(&job.conversation, &job.event_id, stamps, self.expires_at(now)));
        let head_row = match &head.stored {
            None => head_row.condition_expression("attribute_not_exists(id)"),
            Some(last) => head_row
                .condition_expression("lastCreatedAt = :last")
                .expression_attribute_values(":last", s(last)),
        };
        let row = TransactWriteItem::builder;
        let written = self
            .client
            .transact_write_items()
            .transact_items(row().put(question).build())
            .transact_items(row().put(answer).build())
            .transact_items(row().update(turn).build())
            .transact_items(row().put(head_row.build()?).build())
            .send()
            .await;
        match written {
            Ok(_) => Ok(Written::Stored),
            Err(SdkError::ServiceError(refused)) if refused.err().is_transaction_canceled_exception() => {
                match refused.into_err() {
                    TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                        judge(cancelled.cancellation_reasons())
                    }
                    _ => Ok(Written::Met(vec![])),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    fn message_row(&self, job: &Job, role: Role, content: &str, at: Timestamp, now: Timestamp) -> Item {
        let mut row = Item::from([
            ("id".to_owned(), s(row_id(&job.event_id, role))),
            ("lineUserId".to_owned(), s(job.conversation.as_str())),
            ("role".to_owned(), s(role.as_str())),
            ("content".to_owned(), s(content)),
            ("createdAt".to_owned(), s(rfc3339(at))),
            ("updatedAt".to_owned(), s(rfc3339(at))),
        ]);
        row.extend(self.expires_at(now).map(|at| ("expiresAt".to_owned(), n(at))));
        row
    }

    /// When a message row stored now expires.
    fn expires_at(&self, now: Timestamp) -> Option<i64> {
        Some(now.checked_add(self.ttl?).ok()?.as_second())
    }
}

/// What a cancellation means: its reasons are in the order of the transaction's rows.
fn judge(reasons: &[CancellationReason]) -> Result<Written, DynamoError> {
    const UNMET: &str = "ConditionalCheckFailed";
    let code = |reason: &CancellationReason| reason.code().unwrap_or("None").to_owned();
    let codes: Vec<String> = reasons.iter().map(code).collect();
    let is_unmet = |row: usize| codes.get(row).is_some_and(|code| code == UNMET);
    if is_unmet(2) {
        let row = reasons[2].item();
        return Ok(row.map_or(Written::Met(codes), |row| Written::Before(turn::stage(row))));
    }
    if is_unmet(0) || is_unmet(1) {
        return Err(DynamoError::Orphaned);
    }
    if codes.iter().all(|code| ["None", UNMET, "TransactionConflict"].contains(&code.as_str())) {
        return Ok(Written::Met(codes));
    }
    Err(DynamoError::Cancelled(codes))
}

/// The values of [`turn::STORE`].
fn turn_values(pushes: &[String], now: Timestamp) -> Item {
    Item::from([
        (":expiresAt".to_owned(), n(turn::expires_at(now))),
        (":stored".to_owned(), s(turn::STORED)),
        (":pushes".to_owned(), AttributeValue::L(pushes.iter().map(s).collect())),
        (":zero".to_owned(), n(0)),
        (":now".to_owned(), s(rfc3339(now))),
    ])
}

/// Pushing begins right after: from here on a crash leaves the outcome of the first push unknown.
fn stored(pushes: Vec<String>, now: Timestamp) -> Kept {
    Kept::Mine(Delivery { pushes, pushed: 0, unknown_since: Some(now) })
}
