//! The turn row: its attributes, how a [`TurnState`] is read from them, and the conditions and changes that carry out
//! the steps of `rules::turn`. Each step is one conditional write, because another worker could take a step between a
//! read and a write.
//!
//! Attempts, the last failure and the cost are kept per run. Each run has its own attributes, so that one update is
//! enough, whichever run begins. The row holds push bodies until they are delivered, and then no words. It is kept for
//! 60 days after its last change. SQS forgets a job after 14 days at the latest, so that a row past its time is still
//! correct. DynamoDB deletes such a row within days.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client, operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use jiff::Timestamp;
use shared::job::{EventId, Job};

use super::item::{Item, n, number, remembered_until, s, text};
#[cfg(doc)]
use crate::rules::turn::TurnStep;
use crate::{
    history::{LastAttempt, PushProgress, PushState, RunCost, SendMethod, Stage},
    rules::turn::TurnState,
};

/// The value of `stage` for [`Stage::Stored`]. An open turn has none.
pub(super) const STORED: &str = "stored";
/// The value of `stage` for [`Stage::Delivered`].
pub(super) const DELIVERED: &str = "delivered";
/// The value of `stage` for [`Stage::Forgotten`].
pub(super) const FORGOTTEN: &str = "forgotten";
/// The value of `stage` for [`Stage::InDoubt`].
pub(super) const IN_DOUBT: &str = "in_doubt";

/// The condition of [`TurnStep::Begun`].
pub(super) const NOT_OVER: &str = "attribute_not_exists(stage) OR stage = :stored";
/// The condition of [`TurnStep::Stored`] and [`TurnStep::Merged`].
pub(super) const OPEN: &str = "attribute_not_exists(stage)";
/// The condition of [`TurnStep::ResendRisked`].
pub(super) const IS_STORED: &str = "stage = :stored";
/// The condition of [`TurnStep::NotReplied`], and of [`TurnStep::Pushing`] in the first run ([`may_push`]).
pub(super) const IS_PUSHED: &str = "stage = :stored AND attribute_not_exists(replyOnly)";
/// The condition of [`TurnStep::Pushing`] after a redrive.
const IS_PUSHED_AFTER_REDRIVE: &str =
    "stage = :stored AND (attribute_not_exists(replyOnly) OR attribute_not_exists(unknownSince))";
/// The condition of [`TurnStep::Replying`].
pub(super) const MAY_REPLY: &str = "stage = :stored AND (attribute_exists(replyOnly) OR (pushed = :zero AND attribute_not_exists(unknownSince) AND (attribute_not_exists(byReply) OR byReply = :false)))";
/// The further condition of a step that only the newest attempt may take.
pub(super) const BY_NEWEST: &str = "begun = :by";
/// The condition of [`TurnStep::Withdrawn`].
pub(super) const HAS_BEGUN: &str = "#attempts > :zero";
/// The condition under which [`TurnStep::Forgotten`] changes something.
pub(super) const NOT_IN_DOUBT: &str = "attribute_not_exists(stage) OR stage <> :inDoubt";
/// The condition of [`TurnStep::Notified`].
pub(super) const UNANSWERED: &str = "attribute_not_exists(stage) OR (stage = :stored AND pushed = :zero AND attribute_not_exists(unknownSince))";
/// The condition under which [`TurnStep::AnswerUnsent`] opens a turn again: nothing has changed since it was read.
pub(super) const UNSAID: &str = "stage = :stored AND pushed = :zero AND attribute_not_exists(unknownSince)";

/// The update expression of [`TurnStep::Begun`].
pub(super) const BEGIN: &str = "SET expiresAt = :expiresAt ADD #attempts :one, begun :one REMOVE #failed";
/// The update expression of [`TurnStep::Stored`].
pub(super) const STORE: &str = "SET expiresAt = :expiresAt, stage = :stored, pushes = :pushes, pushed = :zero, unknownSince = :now, byReply = :byReply";
/// The update expression of [`TurnStep::Merged`].
pub(super) const MERGE: &str = "SET expiresAt = :expiresAt, stage = :delivered";
/// The update expression of [`TurnStep::Pushing`].
pub(super) const PUSH: &str =
    "SET expiresAt = :expiresAt, pushed = :pushed, unknownSince = :now REMOVE byReply, replyOnly, #failed";
/// The update expression of [`TurnStep::NotReplied`].
pub(super) const PUSH_INSTEAD: &str = "SET expiresAt = :expiresAt, unknownSince = :now REMOVE byReply";
/// The update expression of [`TurnStep::Replying`]. An older worker reads `byReply` alone, and does not push at once.
pub(super) const REPLY_INSTEAD: &str = "SET expiresAt = :expiresAt, pushed = :zero, unknownSince = :now, byReply = :true, replyOnly = :true REMOVE #failed";
/// The update expression of [`TurnStep::QuotaRefused`].
pub(super) const QUOTA_REFUSED: &str =
    "SET expiresAt = :expiresAt, #quotaSince = if_not_exists(#quotaSince, :now)";
/// The update expression of [`TurnStep::Delivered`]. No words stay.
pub(super) const DELIVER: &str = "SET expiresAt = :expiresAt, stage = :delivered REMOVE pushes, pushed, unknownSince, byReply, replyOnly, #failed";
/// The same, if LINE named the messages as which the answer was sent.
pub(super) const DELIVER_NAMED: &str = "SET expiresAt = :expiresAt, stage = :delivered, ownIds = :own REMOVE pushes, pushed, unknownSince, byReply, replyOnly, #failed";
/// The update expression of [`TurnStep::Notified`].
pub(super) const NOTIFY: &str = "SET expiresAt = :expiresAt, toldAt = if_not_exists(toldAt, :now)";
/// The update expression of [`TurnStep::AnswerUnsent`] where it opens the turn again. No words stay.
pub(super) const OPEN_AGAIN: &str =
    "SET expiresAt = :expiresAt REMOVE stage, pushes, pushed, byReply, replyOnly";
/// The update expression of a step that leaves a turn forgotten or in doubt. No words stay, and no ids of messages.
pub(super) const FORGET: &str = "SET expiresAt = :expiresAt, stage = :forgotten REMOVE pushes, pushed, unknownSince, byReply, replyOnly, ownIds";
/// The update expression that removes the ids of the messages as which a delivered answer was sent.
pub(super) const FORGET_IDS: &str = "REMOVE ownIds";
/// The update expression of [`TurnStep::ResendRisked`].
pub(super) const RISK_RESENDING: &str = "SET unknownSince = :now REMOVE byReply, replyOnly";

/// Returns the condition of [`TurnStep::Pushing`] in this run.
pub(super) fn may_push(run: Option<&str>) -> &'static str {
    if run.is_none() { IS_PUSHED } else { IS_PUSHED_AFTER_REDRIVE }
}

/// Returns the row's key.
pub(super) fn id(event: &EventId) -> String {
    format!("turn#{event}")
}

/// Returns the attribute name of a run's count of attempts.
pub(super) fn attempts(run: Option<&str>) -> String {
    of_run("attempts", run)
}

/// Returns the attribute name of a run's last failure.
pub(super) fn failed(run: Option<&str>) -> String {
    of_run("failed", run)
}

/// Returns the attribute name of the reason why a run was given up.
pub(super) fn gave_up(run: Option<&str>) -> String {
    of_run("gaveUp", run)
}

/// Returns the attribute name of the time when LINE first refused a push of a run for a limit that is not reached.
pub(super) fn quota_since(run: Option<&str>) -> String {
    of_run("quotaSince", run)
}

/// Returns the attribute name of the time that a run's user has waited, in milliseconds.
fn waited(run: Option<&str>) -> String {
    of_run("waitedMs", run)
}

/// Returns the attribute name of the number of a run's paid calls.
fn paid_calls(run: Option<&str>) -> String {
    of_run("paidCalls", run)
}

fn of_run(name: &str, run: Option<&str>) -> String {
    run.map_or(name.to_owned(), |run| format!("{name}#{run}"))
}

/// Builds an update of a job's turn row, with `:expiresAt` set.
pub(super) fn update(client: &Client, table: &str, job: &Job, now: Timestamp) -> UpdateItemFluentBuilder {
    client
        .update_item()
        .table_name(table)
        .key("id", s(id(&job.event_id)))
        .expression_attribute_values(":expiresAt", n(remembered_until(now)))
}

/// Returns a condition which, if an attempt takes the step, also requires that the attempt is the newest.
pub(super) fn by(condition: &str, by: Option<u32>) -> String {
    if by.is_some() { format!("({condition}) AND {BY_NEWEST}") } else { condition.to_owned() }
}

/// The part of an update expression that keeps the cost of a run. It follows a `SET`.
pub(super) const COST: &str = ", #waitedMs = :waitedMs, #paidCalls = :paidCalls";

/// Adds the names and values of [`COST`].
pub(super) fn with_cost(
    update: UpdateItemFluentBuilder,
    run: Option<&str>,
    cost: RunCost,
) -> UpdateItemFluentBuilder {
    update
        .expression_attribute_names("#waitedMs", waited(run))
        .expression_attribute_names("#paidCalls", paid_calls(run))
        .expression_attribute_values(
            ":waitedMs",
            n(i64::try_from(cost.waited.as_millis()).unwrap_or(i64::MAX)),
        )
        .expression_attribute_values(":paidCalls", n(cost.paid_calls))
}

/// Reads the turn from a row, as one run sees it.
pub(super) fn state(item: &Item, run: Option<&str>) -> TurnState {
    let attempts = number(item, &attempts(run)).unwrap_or(0);
    let reason = |name: &str| serde_json::from_value(text(item, name)?.into()).ok();
    TurnState {
        stage: progress(item),
        notified_at: time(item, "toldAt"),
        run: run.map(ToOwned::to_owned),
        attempts,
        // An older worker does not write this count.
        begun: number(item, "begun").unwrap_or(0),
        last: LastAttempt::of_row(attempts, reason(&failed(run)), reason(&gave_up(run))),
        quota_since: time(item, &quota_since(run)),
        // The rows of older workers do not have these attributes.
        cost: RunCost {
            waited: Duration::from_millis(number(item, &waited(run)).unwrap_or(0)),
            paid_calls: number(item, &paid_calls(run)).unwrap_or(0),
        },
    }
}

/// Returns the stage of a row's turn, with the bodies of its pushes.
pub(super) fn stage(item: &Item) -> Stage {
    let pushes = item.get("pushes").and_then(|list| list.as_l().ok()).map_or(&[][..], Vec::as_slice);
    let bodies = || pushes.iter().filter_map(|body| body.as_s().ok().cloned()).collect();
    progress(item).map(|progress| progress.of(bodies()))
}

fn progress(item: &Item) -> Stage<PushProgress> {
    match text(item, "stage") {
        Some(STORED) => Stage::Stored(PushProgress {
            pushed: number(item, "pushed").unwrap_or(0),
            state: PushState::of_row(time(item, "unknownSince")),
            method: match (item.get("byReply"), item.get("replyOnly")) {
                (_, Some(AttributeValue::Bool(true))) => SendMethod::ReplyOnly,
                (Some(AttributeValue::Bool(true)), _) => SendMethod::ReplyToken,
                _ => SendMethod::Push,
            },
        }),
        Some(FORGOTTEN) => Stage::Forgotten,
        Some(IN_DOUBT) => Stage::InDoubt,
        Some(_) => Stage::Delivered,
        None => Stage::Open,
    }
}

/// Returns the stage of a row that did not meet [`NOT_OVER`], also if AWS did not return the row.
pub(super) fn over(stage: Stage) -> Stage {
    if stage.is_over() { stage } else { Stage::Delivered }
}

pub(super) fn time(item: &Item, name: &str) -> Option<Timestamp> {
    text(item, name)?.parse().ok()
}
