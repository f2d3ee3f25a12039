//! The table of figures: which line makes which. Pure.

/// How a figure is made of a line.
pub(super) struct Rule {
    /// The line's message.
    pub(super) line: &'static str,
    /// The figure.
    pub(super) name: &'static str,
    /// Each line is one; or the line's field of this name.
    pub(super) value: Made,
    /// The field whose few values tell the series apart: `reason` becomes the dimension `Reason`.
    pub(super) by: Option<&'static str>,
}

/// The value that a line adds to a figure.
#[derive(Clone, Copy)]
pub(super) enum Made {
    /// The lines are counted.
    Count,
    /// Those are counted whose `reason` says that the model failed. A question that it declines is no
    /// fault of it.
    ModelFault,
    /// Counts the lines whose `reason` says that the history failed.
    StorageFault,
    /// Counts the lines that wait for an operator. A question that the model declines does not.
    Actionable,
    /// A sum is made of the field.
    Amount(&'static str),
    /// The field's own value, in milliseconds.
    Millis(&'static str),
    /// The field's newest value counts.
    Level(&'static str),
    /// The cost of the tokens of the line, where the prices are known.
    Cost,
}

const fn rule(line: &'static str, name: &'static str, value: Made, by: Option<&'static str>) -> Rule {
    Rule { line, name, value, by }
}

/// All figures. cdk/lib/metrics.ts names them too, and a test holds the two together.
pub(super) const RULES: &[Rule] = &[
    rule("webhook", "AckMs", Made::Millis("ack_ms"), None),
    rule("webhook", "Webhooks", Made::Count, Some("status")),
    rule("refused a webhook: its signature is missing or wrong", "RefusedSignatures", Made::Count, None),
    rule("accepted", "Accepted", Made::Count, None),
    rule("turn", "Turns", Made::Count, Some("outcome")),
    rule("turn", "QueueMs", Made::Millis("queue_ms"), None),
    rule("turn", "TurnMs", Made::Millis("turn_ms"), None),
    rule("answered", "Answered", Made::Count, None),
    rule("noticed", "Noticed", Made::Count, None),
    rule("to be tried again", "TriedAgain", Made::Count, None),
    rule("to be tried again", "ModelErrors", Made::ModelFault, None),
    rule("to be tried again", "StorageErrors", Made::StorageFault, None),
    rule("dead-lettered", "ModelErrors", Made::ModelFault, None),
    rule("dead-lettered", "StorageErrors", Made::StorageFault, None),
    rule("dead-lettered", "DeadLettered", Made::Count, Some("reason")),
    rule("dead-lettered", "ActionableDeadLetters", Made::Actionable, None),
    rule("the model answered", "ModelMs", Made::Millis("model_ms"), None),
    rule("the model answered", "PromptTokens", Made::Amount("prompt_tokens"), None),
    rule("the model answered", "CachedTokens", Made::Amount("cached_tokens"), None),
    rule("the model answered", "CompletionTokens", Made::Amount("completion_tokens"), None),
    rule("the model answered", "CostUsd", Made::Cost, None),
    rule("LINE answered", "Sends", Made::Count, Some("status")),
    rule("LINE messages of this month", "LineMessagesLeft", Made::Level("left"), None),
];
