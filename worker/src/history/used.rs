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
}
