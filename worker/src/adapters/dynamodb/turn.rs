//! The turn row: its attributes, and how a [`Turn`] is read from them.
//!
//! Attempts, the last failure and the cost are kept per run, each run in attributes of its own, so that one
//! update does whichever run begins. The row holds push bodies until they are delivered, and then no
//! words. It is kept 60 days after its last change; SQS forgets a job after 14 at the latest, so that a
//! row past its time, which DynamoDB deletes within days, is still the truth.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client, operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue,
};
use jiff::Timestamp;
use shared::job::{EventId, Job};

use super::item::{Item, n, number, remembered_until, s, text};
use crate::{
    failure::Reason,
    history::{Delivery, LastAttempt, PushState, RunCost, SendMethod, Stage, Turn},
};

/// The value of `stage` once an answer is stored.
pub(super) const STORED: &str = "stored";
/// The value of `stage` once it is delivered.
pub(super) const DELIVERED: &str = "delivered";
/// The value of `stage` once it shall never be answered.
pub(super) const FORGOTTEN: &str = "forgotten";
/// The value of `stage` once it shall never be answered, though a part of what it answered may wait for it.
pub(super) const IN_DOUBT: &str = "in_doubt";
/// The condition of a further attempt.
pub(super) const NOT_OVER: &str = "attribute_not_exists(stage) OR stage = :stored";
/// The condition of storing an answer.
pub(super) const OPEN: &str = "attribute_not_exists(stage)";
/// The condition of telling the user: nothing of an answer can have arrived.
pub(super) const UNANSWERED: &str = "attribute_not_exists(stage) OR (stage = :stored AND pushed = :zero AND attribute_not_exists(unknownSince))";
/// What storing writes.
pub(super) const STORE: &str = "SET expiresAt = :expiresAt, stage = :stored, pushes = :pushes, pushed = :zero, unknownSince = :now, byReply = :byReply";

/// What storing writes of the other turns that it answers.
pub(super) const ANSWERED_WITH: &str = "SET expiresAt = :expiresAt, stage = :delivered";
/// The condition of opening a turn again: certainly nothing of its answer has arrived.
pub(super) const UNSAID: &str = "stage = :stored AND pushed = :zero AND attribute_not_exists(unknownSince)";
/// What opening a turn again writes. No words stay.
pub(super) const OPEN_AGAIN: &str = "SET expiresAt = :expiresAt REMOVE stage, pushes, pushed, byReply";
/// What forgetting writes. No words stay.
pub(super) const FORGET: &str =
    "SET expiresAt = :expiresAt, stage = :forgotten REMOVE pushes, pushed, unknownSince, byReply";

/// The row's key.
pub(super) fn id(event: &EventId) -> String {
    format!("turn#{event}")
}

/// The name of a run's count.
pub(super) fn attempts(run: Option<&str>) -> String {
    of_run("attempts", run)
}

/// The name of a run's last failure.
pub(super) fn failed(run: Option<&str>) -> String {
    of_run("failed", run)
}

/// The name of why a run was given up.
pub(super) fn gave_up(run: Option<&str>) -> String {
    of_run("gaveUp", run)
}

/// The name of when LINE refused a push of a run first for a limit that is not reached.
pub(super) fn quota_since(run: Option<&str>) -> String {
    of_run("quotaSince", run)
}

/// The name of how long a run's user has waited, in milliseconds.
fn waited(run: Option<&str>) -> String {
    of_run("waitedMs", run)
}

/// The name of how many calls of a run were paid for.
fn paid_calls(run: Option<&str>) -> String {
    of_run("paidCalls", run)
}

fn of_run(name: &str, run: Option<&str>) -> String {
    run.map_or(name.to_owned(), |run| format!("{name}#{run}"))
}

/// An update of a job's turn row, with `:expiresAt` set.
pub(super) fn update(client: &Client, table: &str, job: &Job, now: Timestamp) -> UpdateItemFluentBuilder {
    client
        .update_item()
        .table_name(table)
        .key("id", s(id(&job.event_id)))
        .expression_attribute_values(":expiresAt", n(remembered_until(now)))
}

/// The part of an update that begins with `SET` by which it keeps the cost of a run.
pub(super) const COST: &str = ", #waitedMs = :waitedMs, #paidCalls = :paidCalls";

/// The names and values of [`COST`].
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

/// The turn that a row tells, as one run sees it. One that has not begun begins now.
pub(super) fn of_item(item: &Item, run: Option<&str>, now: Timestamp) -> Turn {
    let attempts = number(item, &attempts(run)).unwrap_or(0);
    let of_run = |name: &str| text(item, name).and_then(reason);
    Turn {
        begun_at: time(item, "begunAt").unwrap_or(now),
        attempts,
        last: LastAttempt::of_row(attempts, of_run(&failed(run)), of_run(&gave_up(run))),
        quota_since: time(item, &quota_since(run)),
        // Not there in rows of older workers.
        cost: RunCost {
            waited: Duration::from_millis(number(item, &waited(run)).unwrap_or(0)),
            paid_calls: number(item, &paid_calls(run)).unwrap_or(0),
        },
        stage: stage(item),
    }
}

/// How far the turn of a row got.
pub(super) fn stage(item: &Item) -> Stage {
    match text(item, "stage") {
        Some(STORED) => {
            let pushes = item.get("pushes").and_then(|list| list.as_l().ok()).map_or(&[][..], Vec::as_slice);
            Stage::Stored(Delivery {
                pushes: pushes.iter().filter_map(|body| body.as_s().ok().cloned()).collect(),
                pushed: number(item, "pushed").unwrap_or(0),
                state: PushState::of_row(time(item, "unknownSince")),
                method: match item.get("byReply") {
                    Some(AttributeValue::Bool(true)) => SendMethod::ReplyToken,
                    _ => SendMethod::Push,
                },
            })
        }
        Some(FORGOTTEN) => Stage::Forgotten,
        Some(IN_DOUBT) => Stage::InDoubt,
        Some(_) => Stage::Delivered,
        None => Stage::Open,
    }
}

/// The stage of a row that did not meet [`NOT_OVER`], also where AWS did not say it.
pub(super) fn over(stage: Stage) -> Stage {
    if stage.is_over() { stage } else { Stage::Delivered }
}

pub(super) fn time(item: &Item, name: &str) -> Option<Timestamp> {
    text(item, name)?.parse().ok()
}

fn reason(word: &str) -> Option<Reason> {
    serde_json::from_value(word.into()).ok()
}
