//! The history on DynamoDB: the article's table, with two more kinds of rows that carry no
//! `lineUserId`, so that its index never shows them.
//!
//! - The turn row `turn#{event}` says how far a turn got. One conditional update counts the attempt and
//!   reads it consistently (`turn`).
//! - The head row `head#{conversation}` names the newest turns. The index is only eventually
//!   consistent; the head is read strongly beside it, and what it names and the index does not show yet
//!   is fetched by key (`load`, `head`).
//!
//! An answer is stored by one transaction over all of these (`store`).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use jiff::{SignedDuration, Timestamp};
use shared::job::{ConversationId, Job};

use crate::{
    conversation::{Message, rfc3339},
    history::{Delivery, Exchange, History, HistoryError, Kept, Stage, Step, Turn},
};

mod error;
mod head;
mod load;
mod look;
mod store;
mod turn;

use error::{DynamoError, condition_failed, failed};
use head::Head;

pub use look::Looked;

/// How many heads are remembered between [`History::load`] and [`History::store`] of their turns.
/// Forgetting one costs a read.
const HEADS_MAX: usize = 64;

/// The history in a table.
pub struct DynamoHistory {
    client: Client,
    table: String,
    ttl: Option<SignedDuration>,
    /// What `load` saw, so that `store` need not read it again: its condition tells if it was too old.
    heads: Mutex<HashMap<ConversationId, Head>>,
}

/// A row as the SDK has it.
type Item = HashMap<String, AttributeValue>;

impl DynamoHistory {
    /// The history in `table`; its message rows expire after `ttl`, or never.
    pub fn new(config: &SdkConfig, table: String, ttl: Option<SignedDuration>) -> Self {
        Self { client: Client::new(config), table, ttl, heads: Mutex::default() }
    }

    fn remember(&self, of: &ConversationId, head: Head) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if heads.len() >= HEADS_MAX {
            heads.clear();
        }
        heads.insert(of.clone(), head);
    }

    fn recall(&self, of: &ConversationId) -> Option<Head> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).remove(of)
    }

    async fn count_attempt(&self, job: &Job, now: Timestamp) -> Result<Turn, DynamoError> {
        let run = job.run.as_deref();
        let begun = turn::update(&self.client, &self.table, job, now)
            .update_expression("SET expiresAt = :expiresAt ADD #attempts :one REMOVE #failed")
            .condition_expression(turn::NOT_DELIVERED)
            .expression_attribute_names("#attempts", turn::attempts(run))
            .expression_attribute_names("#failed", turn::failed(run))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":delivered", s(turn::DELIVERED))
            // The row as it was: with what the last attempt failed, which this one clears.
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match begun {
            Ok(output) => {
                let mut turn = turn::of_item(&output.attributes.unwrap_or_default(), run);
                turn.attempts += 1;
                Ok(turn)
            }
            Err(error) => {
                let row = condition_failed(error)?;
                Ok(Turn { stage: Stage::Delivered, ..turn::of_item(&row, run) })
            }
        }
    }

    async fn write(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), DynamoError> {
        let run = job.run.as_deref();
        let update = turn::update(&self.client, &self.table, job, now);
        let update = match step {
            Step::Pushing { pushed } => update
                .update_expression("SET expiresAt = :expiresAt, pushed = :pushed, unknownSince = :now")
                .expression_attribute_values(":pushed", n(pushed))
                .expression_attribute_values(":now", s(rfc3339(now))),
            Step::Delivered => update
                .update_expression(
                    "SET expiresAt = :expiresAt, stage = :delivered REMOVE pushes, pushed, unknownSince, #failed",
                )
                .expression_attribute_names("#failed", turn::failed(run))
                .expression_attribute_values(":delivered", s(turn::DELIVERED)),
            Step::Failed { reason, delivery, gave_up } => {
                let mut update = update
                    .expression_attribute_names("#failed", turn::failed(run))
                    .expression_attribute_values(":reason", s(reason.as_str()));
                let mut set = "SET expiresAt = :expiresAt, #failed = :reason".to_owned();
                if gave_up {
                    set += ", #gaveUp = :reason";
                    update = update.expression_attribute_names("#gaveUp", turn::gave_up(run));
                }
                if let Some(Delivery { pushed, unknown_since, .. }) = delivery {
                    set += ", pushed = :pushed";
                    update = update.expression_attribute_values(":pushed", n(pushed));
                    match unknown_since {
                        None => set += " REMOVE unknownSince",
                        Some(since) => {
                            set += ", unknownSince = :since";
                            update = update.expression_attribute_values(":since", s(rfc3339(since)));
                        }
                    }
                }
                update.update_expression(set)
            }
            Step::Withdrawn => update
                .update_expression("SET expiresAt = :expiresAt, #attempts = #attempts - :one")
                .condition_expression("#attempts > :zero")
                .expression_attribute_names("#attempts", turn::attempts(run))
                .expression_attribute_values(":one", n(1))
                .expression_attribute_values(":zero", n(0)),
        };
        match update.send().await {
            Ok(_) => Ok(()),
            // Only a withdrawal has a condition: nothing is left to withdraw.
            Err(error) => condition_failed(error).map(drop),
        }
    }

    async fn mark_told(&self, job: &Job, now: Timestamp) -> Result<Option<Timestamp>, DynamoError> {
        let told = turn::update(&self.client, &self.table, job, now)
            .update_expression("SET expiresAt = :expiresAt, toldAt = if_not_exists(toldAt, :now)")
            .condition_expression(turn::UNANSWERED)
            .expression_attribute_values(":now", s(rfc3339(now)))
            .expression_attribute_values(":stored", s(turn::STORED))
            .expression_attribute_values(":zero", n(0))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match told {
            Ok(output) => Ok(turn::time(&output.attributes.unwrap_or_default(), "toldAt")),
            Err(error) => condition_failed(error).map(|_| None),
        }
    }
}

#[async_trait]
impl History for DynamoHistory {
    async fn begin(&self, job: &Job, now: Timestamp) -> Result<Turn, HistoryError> {
        self.count_attempt(job, now).await.map_err(failed("begin a turn"))
    }

    async fn load(
        &self,
        of: &ConversationId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<Message>, HistoryError> {
        self.load_messages(of, limit as usize, now).await.map_err(failed("load a conversation"))
    }

    async fn store(
        &self,
        job: &Job,
        exchange: Option<Exchange>,
        pushes: Vec<String>,
        now: Timestamp,
    ) -> Result<Kept, HistoryError> {
        let stored = match exchange {
            Some(exchange) => self.store_turn(job, &exchange, pushes, now).await,
            None => self.store_pushes(job, pushes, now).await,
        };
        stored.map_err(failed("store an answer"))
    }

    async fn record(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), HistoryError> {
        self.write(job, step, now).await.map_err(failed("record a step"))
    }

    async fn tell(&self, job: &Job, now: Timestamp) -> Result<Option<Timestamp>, HistoryError> {
        self.mark_told(job, now).await.map_err(failed("mark who is told"))
    }
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn n(number: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

fn number<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}
