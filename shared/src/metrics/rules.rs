//! The table of metrics: each is made of log lines of one kind. Pure.

use crate::event::Kind::{
    self, Accepted, Answered, DeadLettered, LineAnswered, ModelAnswered, MonthQuota, Noticed, RetryScheduled,
    SignatureRefused, Turn, Webhook,
};

/// The rule by which a metric is made of a line.
pub(super) struct Rule {
    /// The kind of the line.
    pub(super) kind: Kind,
    /// The name of the metric.
    pub(super) name: &'static str,
    /// The value that a line adds: one, or the line's field of this name.
    pub(super) value: Made,
    /// The field whose few values distinguish the series: `reason` becomes the dimension `Reason`.
    pub(super) by: Option<&'static str>,
}

/// The value that a line adds to a metric.
#[derive(Clone, Copy)]
pub(super) enum Made {
    /// Counts the lines.
    Count,
    /// Counts the lines whose `reason` says that the model failed. A question that the model declines is not a failure.
    ModelFault,
    /// Counts the lines whose `reason` says that the history failed.
    StorageFault,
    /// Counts the lines that wait for an operator. A question that the model declines does not wait for one.
    Actionable,
    /// Adds the field to a sum.
    Amount(&'static str),
    /// Takes the field's own value, in milliseconds.
    Millis(&'static str),
    /// Takes the field's newest value.
    Level(&'static str),
    /// Adds the cost of the line's tokens, if the prices are known.
    Cost,
}

const fn rule(kind: Kind, name: &'static str, value: Made, by: Option<&'static str>) -> Rule {
    Rule { kind, name, value, by }
}

/// All metrics. cdk/lib/metrics.ts names them, too, and a test compares the two.
pub(super) const RULES: &[Rule] = &[
    rule(Webhook, "AckMs", Made::Millis("ack_ms"), None),
    rule(Webhook, "Webhooks", Made::Count, Some("status")),
    rule(SignatureRefused, "RefusedSignatures", Made::Count, None),
    rule(Accepted, "Accepted", Made::Count, None),
    rule(Turn, "Turns", Made::Count, Some("outcome")),
    rule(Turn, "QueueMs", Made::Millis("queue_ms"), None),
    rule(Turn, "TurnMs", Made::Millis("turn_ms"), None),
    rule(Answered, "Answered", Made::Count, None),
    rule(Noticed, "Noticed", Made::Count, None),
    rule(RetryScheduled, "TriedAgain", Made::Count, None),
    rule(RetryScheduled, "ModelErrors", Made::ModelFault, None),
    rule(RetryScheduled, "StorageErrors", Made::StorageFault, None),
    rule(DeadLettered, "ModelErrors", Made::ModelFault, None),
    rule(DeadLettered, "StorageErrors", Made::StorageFault, None),
    rule(DeadLettered, "DeadLettered", Made::Count, Some("reason")),
    rule(DeadLettered, "ActionableDeadLetters", Made::Actionable, None),
    rule(ModelAnswered, "ModelMs", Made::Millis("model_ms"), None),
    rule(ModelAnswered, "PromptTokens", Made::Amount("prompt_tokens"), None),
    rule(ModelAnswered, "CachedTokens", Made::Amount("cached_tokens"), None),
    rule(ModelAnswered, "CompletionTokens", Made::Amount("completion_tokens"), None),
    rule(ModelAnswered, "CostUsd", Made::Cost, None),
    rule(LineAnswered, "Sends", Made::Count, Some("status")),
    rule(MonthQuota, "LineMessagesLeft", Made::Level("left"), None),
];
