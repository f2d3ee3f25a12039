//! The table of metrics: each is made of log lines of one kind. Pure.

use crate::event::Kind::{
    self, Accepted, Answered, DeadLettered, HandedOff, LineAnswered, ModelAnswered, MonthQuota, Noticed,
    RetryScheduled, SignatureRefused, Turn, Webhook,
};

/// The rule by which a metric is made of a line.
pub(super) struct Rule {
    /// The kind of the line.
    pub(super) kind: Kind,
    /// The name of the metric.
    pub(super) name: &'static str,
    /// How the value that a line adds is found.
    pub(super) value: MetricValue,
    /// The field whose value selects the series; it must have few different values. The field `reason` becomes the
    /// dimension `Reason`.
    pub(super) by: Option<&'static str>,
}

/// The value that a line adds to a metric.
#[derive(Clone, Copy)]
pub(super) enum MetricValue {
    /// Counts the lines.
    Count,
    /// Counts the lines whose `reason` says that the model failed. A question that the model declines is not a failure.
    ModelFault,
    /// Counts the lines whose `reason` says that the history failed.
    StorageFault,
    /// Counts the dead letters that an operator must act on. A question that the model declined is not one.
    Actionable,
    /// Counts the lines whose field is true.
    Flag(&'static str),
    /// Adds the field to a sum.
    Amount(&'static str),
    /// A duration in milliseconds; sum and count are kept, so that an average can be computed.
    Millis(&'static str),
    /// A level, of which only the newest value counts (a gauge).
    Level(&'static str),
    /// Adds the cost of the line's tokens, if the prices are known.
    Cost,
}

const fn rule(kind: Kind, name: &'static str, value: MetricValue, by: Option<&'static str>) -> Rule {
    Rule { kind, name, value, by }
}

/// All metrics. cdk/lib/metrics.ts names them, too, and a test compares the two.
pub(super) const RULES: &[Rule] = &[
    rule(Webhook, "AckMs", MetricValue::Millis("ack_ms"), None),
    rule(Webhook, "Webhooks", MetricValue::Count, Some("status")),
    rule(SignatureRefused, "RefusedSignatures", MetricValue::Count, None),
    rule(Accepted, "Accepted", MetricValue::Count, None),
    rule(Turn, "Turns", MetricValue::Count, Some("outcome")),
    rule(Turn, "QueueMs", MetricValue::Millis("queue_ms"), None),
    rule(Turn, "TurnMs", MetricValue::Millis("turn_ms"), None),
    rule(Answered, "Answered", MetricValue::Count, None),
    rule(Noticed, "Noticed", MetricValue::Count, None),
    rule(HandedOff, "Handoffs", MetricValue::Count, None),
    rule(RetryScheduled, "TriedAgain", MetricValue::Count, None),
    rule(RetryScheduled, "ModelErrors", MetricValue::ModelFault, None),
    rule(RetryScheduled, "StorageErrors", MetricValue::StorageFault, None),
    rule(DeadLettered, "ModelErrors", MetricValue::ModelFault, None),
    rule(DeadLettered, "StorageErrors", MetricValue::StorageFault, None),
    rule(DeadLettered, "DeadLettered", MetricValue::Count, Some("reason")),
    rule(DeadLettered, "ActionableDeadLetters", MetricValue::Actionable, None),
    rule(ModelAnswered, "ModelMs", MetricValue::Millis("model_ms"), None),
    rule(ModelAnswered, "FallbackAnswers", MetricValue::Flag("fallback"), None),
    rule(ModelAnswered, "PromptTokens", MetricValue::Amount("prompt_tokens"), None),
    rule(ModelAnswered, "CachedTokens", MetricValue::Amount("cached_tokens"), None),
    rule(ModelAnswered, "CacheWrittenTokens", MetricValue::Amount("cache_written_tokens"), None),
    rule(ModelAnswered, "CompletionTokens", MetricValue::Amount("completion_tokens"), None),
    rule(ModelAnswered, "CostUsd", MetricValue::Cost, None),
    rule(LineAnswered, "Sends", MetricValue::Count, Some("status")),
    rule(MonthQuota, "LineMessagesLeft", MetricValue::Level("left"), None),
];
