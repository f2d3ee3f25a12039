//! The result of a change of one letter.

/// The result of a change of one letter.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// The change was made.
    Changed,
    /// There was nothing left to do, so the letter was removed.
    Removed(&'static str),
    /// The letter was not changed, on purpose.
    Kept(&'static str),
    /// The change failed.
    Failed(String),
}

impl Done {
    /// Returns the word for the audit.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Changed => "done",
            Self::Removed(_) => "removed",
            Self::Kept(_) => "kept",
            Self::Failed(_) => "failed",
        }
    }

    /// Returns the reason for the audit.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Changed => None,
            Self::Removed(why) | Self::Kept(why) => Some(why),
            Self::Failed(why) => Some(why),
        }
    }
}
