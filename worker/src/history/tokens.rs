//! The tokens of the model's answers, and the usage of a person by day.

/// A number of tokens, as the model's server counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The tokens of prompts.
    pub prompt: u64,
    /// The tokens of prompts that the model had in its cache.
    pub cached: u64,
    /// The tokens of answers.
    pub completion: u64,
}

impl Tokens {
    /// Returns the tokens of prompts and answers together.
    pub fn total(&self) -> u64 {
        self.prompt + self.completion
    }
}

impl std::ops::Add for Tokens {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            prompt: self.prompt + more.prompt,
            cached: self.cached + more.cached,
            completion: self.completion + more.completion,
        }
    }
}

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
