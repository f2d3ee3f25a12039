//! What became of a letter.

/// The end of a change of one letter.
#[derive(Debug, PartialEq, Eq)]
pub enum Done {
    /// What was asked for.
    Changed,
    /// There was nothing left to do, so it was removed.
    Removed(&'static str),
    /// It is as it was, on purpose.
    Kept(&'static str),
    /// It could not be done.
    Failed(String),
}

impl Done {
    /// The word in the audit.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Changed => "done",
            Self::Removed(_) => "removed",
            Self::Kept(_) => "kept",
            Self::Failed(_) => "failed",
        }
    }

    /// The reason in the audit.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Changed => None,
            Self::Removed(why) | Self::Kept(why) => Some(why),
            Self::Failed(why) => Some(why),
        }
    }
}
