//! The changes that a command can make to one letter.

use local::dead_letter::DeadLetter;

use super::{done::Done, jsonl::JsonLines, purge, redrive, resolve::Resolve, source::Source};

/// A change of a letter, with the values that it needs.
pub enum Action {
    /// Puts the job back into the queue.
    Redrive {
        /// Whether to push also an answer that may have been delivered already.
        resend: bool,
    },
    /// Notifies the user, and removes the letter.
    Resolve(Box<Resolve>),
    /// Saves the letter to a file, and removes it.
    Purge(JsonLines),
}

impl Action {
    /// Returns the name of the command.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Redrive { .. } => "redrive",
            Self::Resolve(_) => "resolve",
            Self::Purge(_) => "purge",
        }
    }

    /// Returns the past participle of the command's name, for the counts at the end.
    pub fn past(&self) -> &'static str {
        match self {
            Self::Redrive { .. } => "redriven",
            Self::Resolve(_) => "resolved",
            Self::Purge(_) => "purged",
        }
    }

    /// Returns the question that is asked before the change, without the number of letters.
    pub fn asks(&self) -> &'static str {
        match self {
            Self::Redrive { resend: false } => "Redrive",
            Self::Redrive { resend: true } => "Redrive, pushing again what LINE may have,",
            Self::Resolve(_) => "Tell the users of, and remove,",
            Self::Purge(_) => "Save and remove",
        }
    }

    /// Checks that the change can begin, so that an error comes before anything is changed.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Purge(saved) => saved.ready(),
            Self::Redrive { .. } | Self::Resolve(_) => Ok(()),
        }
    }

    /// Makes the change to one letter.
    pub async fn act(&mut self, source: &mut Source, letter: &DeadLetter) -> anyhow::Result<Done> {
        // An event that is over needs no redrive and no notice: its letter is removed. A purge still saves it.
        if let (Some(over), Self::Redrive { .. } | Self::Resolve(_)) = (letter.state.over(), &self) {
            source.remove(letter).await?;
            return Ok(Done::Removed(over));
        }
        match self {
            Self::Redrive { resend } => redrive::one(source, letter, *resend).await,
            Self::Resolve(resolve) => resolve.one(source, letter).await,
            Self::Purge(saved) => purge::one(saved, source, letter).await,
        }
    }
}
