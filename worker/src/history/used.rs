//! The usage of a person by day.

use shared::prices::Tokens;

/// The usage of one person in a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// The id of the person.
    pub user: String,
    /// The day, in the time zone of the users.
    pub day: String,
    /// The number of answers of the model.
    pub answers: u64,
    /// The tokens of these answers and of their prompts.
    pub tokens: Tokens,
    /// The part of all this that the fallback model has; `None` if it gave no answer.
    pub fallback: Option<UsedFallback>,
}

/// The usage of the fallback model. It is kept beside the sum over both models, in the same row, so that a user quota
/// needs one row of one sum, and an answer of the first model needs no further write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedFallback {
    /// The name of the model; if the operator changed it during the day, the newest one.
    pub model: String,
    /// The number of its answers.
    pub answers: u64,
    /// The tokens of these answers and of their prompts.
    pub tokens: Tokens,
}
