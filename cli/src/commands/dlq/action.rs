//! What is done to one letter.

use local::dead_letter::Letter;

use super::{done::Done, lines::Lines, purge, redrive, resolve::Resolve, source::Source};

/// A change, with what it needs.
pub enum Action {
    /// Put the job back into the queue.
    Redrive {
        /// Also where the answer may be there already.
        resend: bool,
    },
    /// Tell the user, and remove it.
    Resolve(Box<Resolve>),
    /// Save it, and remove it.
    Purge(Lines),
}

impl Action {
    /// The command's name.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Redrive { .. } => "redrive",
            Self::Resolve(_) => "resolve",
            Self::Purge(_) => "purge",
        }
    }

    /// What it is called when it is done.
    pub fn past(&self) -> &'static str {
        match self {
            Self::Redrive { .. } => "redriven",
            Self::Resolve(_) => "resolved",
            Self::Purge(_) => "purged",
        }
    }

    /// The question before it is done.
    pub fn asks(&self) -> &'static str {
        match self {
            Self::Redrive { resend: false } => "Redrive",
            Self::Redrive { resend: true } => "Redrive, pushing again what LINE may have,",
            Self::Resolve(_) => "Tell the users of, and remove,",
            Self::Purge(_) => "Save and remove",
        }
    }

    /// Whether it can begin: an error before anything was changed.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Purge(saved) => saved.ready(),
            Self::Redrive { .. } | Self::Resolve(_) => Ok(()),
        }
    }

    /// Does it.
    pub async fn act(&mut self, source: &mut Source, letter: &Letter) -> anyhow::Result<Done> {
        // Whatever was asked for, but to save it.
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
