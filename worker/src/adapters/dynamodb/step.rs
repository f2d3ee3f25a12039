//! The steps of a turn. Each step is one conditional update of the turn's row: see [`turn`].

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;
use shared::job::Job;

use super::{
    error::{DynamoError, condition_failed},
    item::{n, s},
    table::DynamoHistory,
    turn,
};
use crate::{
    history::{Delivery, Question, Step, Turn},
    rules::{
        conversation::rfc3339,
        turn::{TurnStep, apply},
    },
};

impl DynamoHistory {
    pub(super) async fn count_attempt(&self, job: &Job, now: Timestamp) -> Result<Turn, DynamoError> {
        let run = job.run.as_deref();
        let begun = turn::update(&self.client, &self.table, job, now)
            .update_expression(turn::BEGIN)
            .condition_expression(turn::NOT_OVER)
            .expression_attribute_names("#attempts", turn::attempts(run))
            .expression_attribute_names("#failed", turn::failed(run))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":stored", s(turn::STORED))
            // This returns the row before the update, with the reason of the last failure, which this update removes.
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        match begun {
            Ok(output) => {
                let row = output.attributes.unwrap_or_default();
                let before = turn::state(&row, run);
                let after = apply(&before, &TurnStep::Begun).unwrap_or_else(|_| before.clone());
                Ok(after.told(&before, turn::stage(&row)))
            }
            Err(error) => {
                let row = condition_failed(error)?;
                let state = turn::state(&row, run);
                Ok(state.told(&state, turn::over(turn::stage(&row))))
            }
        }
    }

    pub(super) async fn write(&self, job: &Job, step: Step, now: Timestamp) -> Result<(), DynamoError> {
        let run = job.run.as_deref();
        let update = turn::update(&self.client, &self.table, job, now);
        let is_left = matches!(step, Step::Withdrawn { .. } | Step::Forgotten);
        let by = TurnStep::of_recorded(&step, now).by();
        let update =
            by.into_iter().fold(update, |update, by| update.expression_attribute_values(":by", n(by)));
        let update = match step {
            Step::Pushing { by, pushed } => update
                .update_expression(turn::PUSH)
                .expression_attribute_names("#failed", turn::failed(run))
                .condition_expression(turn::by(turn::may_push(run), by))
                .expression_attribute_values(":stored", s(turn::STORED))
                .expression_attribute_values(":pushed", n(pushed))
                .expression_attribute_values(":now", s(rfc3339(now))),
            Step::NotReplied { by } => update
                .update_expression(turn::PUSH_INSTEAD)
                .condition_expression(turn::by(turn::IS_PUSHED, by))
                .expression_attribute_values(":stored", s(turn::STORED))
                .expression_attribute_values(":now", s(rfc3339(now))),
            Step::Replying { by } => update
                .update_expression(turn::REPLY_INSTEAD)
                .expression_attribute_names("#failed", turn::failed(run))
                .condition_expression(turn::by(turn::MAY_REPLY, by))
                .expression_attribute_values(":stored", s(turn::STORED))
                .expression_attribute_values(":zero", n(0))
                .expression_attribute_values(":true", AttributeValue::Bool(true))
                .expression_attribute_values(":false", AttributeValue::Bool(false))
                .expression_attribute_values(":now", s(rfc3339(now))),
            Step::QuotaRefused => update
                .update_expression(turn::QUOTA_REFUSED)
                .expression_attribute_names("#quotaSince", turn::quota_since(run))
                .expression_attribute_values(":now", s(rfc3339(now))),
            Step::Delivered { own } => {
                let update = update
                    .expression_attribute_names("#failed", turn::failed(run))
                    .expression_attribute_values(":delivered", s(turn::DELIVERED));
                if own.is_empty() {
                    update.update_expression(turn::DELIVER)
                } else {
                    let own = own.iter().map(|id| s(id.as_str())).collect();
                    update
                        .update_expression(turn::DELIVER_NAMED)
                        .expression_attribute_values(":own", AttributeValue::L(own))
                }
            }
            Step::Forgotten => update
                .update_expression(turn::FORGET)
                .condition_expression(turn::NOT_IN_DOUBT)
                .expression_attribute_values(":inDoubt", s(turn::IN_DOUBT))
                .expression_attribute_values(":forgotten", s(turn::FORGOTTEN)),
            Step::Failed { by, reason, delivery, gave_up, cost } => {
                let mut update = update
                    .set_condition_expression(by.map(|_| turn::BY_NEWEST.to_owned()))
                    .expression_attribute_names("#failed", turn::failed(run))
                    .expression_attribute_values(":reason", s(reason.as_str()));
                let mut set = "SET expiresAt = :expiresAt, #failed = :reason".to_owned();
                if gave_up {
                    set += ", #gaveUp = :reason";
                    update = update.expression_attribute_names("#gaveUp", turn::gave_up(run));
                }
                if let Some(cost) = cost {
                    set += turn::COST;
                    update = turn::with_cost(update, run, cost);
                }
                if let Some(Delivery { pushed, state, .. }) = delivery {
                    set += ", pushed = :pushed";
                    update = update.expression_attribute_values(":pushed", n(pushed));
                    match state.unknown_since() {
                        None => set += " REMOVE unknownSince",
                        Some(since) => {
                            set += ", unknownSince = :since";
                            update = update.expression_attribute_values(":since", s(rfc3339(since)));
                        }
                    }
                }
                update.update_expression(set)
            }
            Step::Withdrawn { cost } => {
                let mut update = update
                    .condition_expression(turn::HAS_BEGUN)
                    .expression_attribute_names("#attempts", turn::attempts(run))
                    .expression_attribute_values(":one", n(1))
                    .expression_attribute_values(":zero", n(0));
                let mut set = "SET expiresAt = :expiresAt, #attempts = #attempts - :one".to_owned();
                if let Some(cost) = cost {
                    set += turn::COST;
                    update = turn::with_cost(update, run, cost);
                }
                update.update_expression(set)
            }
        };
        match update.send().await {
            Ok(_) => Ok(()),
            // This is `Conflict::NotBegun`, or a turn in doubt, which stays in doubt.
            Err(error) if is_left => condition_failed(error).map(drop),
            // This is any other conflict of a step that is recorded.
            Err(error) => Err(condition_failed(error).map_or_else(|other| other, |_| DynamoError::Overtaken)),
        }
    }

    pub(super) async fn set_notified(
        &self,
        job: &Job,
        question: Option<&Question>,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, DynamoError> {
        let told = turn::update(&self.client, &self.table, job, now)
            .update_expression(turn::NOTIFY)
            .condition_expression(turn::UNANSWERED)
            .expression_attribute_values(":now", s(rfc3339(now)))
            .expression_attribute_values(":stored", s(turn::STORED))
            .expression_attribute_values(":zero", n(0))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        let row = match told {
            Ok(output) => output.attributes.unwrap_or_default(),
            Err(error) => return condition_failed(error).map(|_| None),
        };
        if let Some(question) = question {
            self.keep_unanswered(job, question, now).await?;
        }
        Ok(turn::time(&row, "toldAt"))
    }
}
