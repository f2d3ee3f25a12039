//! The tokens of the model's answers, and the usage of a person by day.

/// Tokens, as the model's server counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// Of prompts.
    pub prompt: u64,
    /// Those of them that the model had in its cache.
    pub cached: u64,
    /// Of answers.
    pub completion: u64,
}

impl Tokens {
    /// Of prompts and answers.
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
    /// Who.
    pub user: String,
    /// The day, where the users are.
    pub day: String,
    /// Answers of the model.
    pub answers: u64,
    /// Their tokens.
    pub tokens: Tokens,
}
