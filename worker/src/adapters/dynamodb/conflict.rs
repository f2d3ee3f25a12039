//! The rows of a transaction that were not as expected.

use std::fmt;

use aws_sdk_dynamodb::types::CancellationReason;

/// The code of a row whose condition was not met.
pub(super) const UNMET: &str = "ConditionalCheckFailed";

/// The purpose of a row of a transaction, which says what follows if the row is not as expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A new message row.
    Message,
    /// The turn row.
    Turn,
    /// The row of another turn that is answered with it.
    OtherTurn,
    /// The head row, as it was read.
    Head,
    /// The check that the message has no unsent mark.
    NotUnsent,
    /// The check that the message whose words are quoted has no unsent mark.
    Quoted,
    /// The row of a group's message, which must not have been edited, nor answered by another turn.
    Said,
    /// The user's usage.
    Usage,
    /// A row that has no condition.
    Any,
}

/// The reasons why a transaction was cancelled: rows that were not as expected, or another transaction on the same
/// rows. Nothing of the cancelled transaction is written.
pub(super) struct Conflict(pub(super) Vec<(Part, CancellationReason)>);

impl Conflict {
    /// Returns the reason of a part that was not as expected.
    pub(super) fn of(&self, part: Part) -> Option<&CancellationReason> {
        let is_it = |(of, reason): &&(Part, CancellationReason)| *of == part && reason.code() == Some(UNMET);
        self.0.iter().find(is_it).map(|(_, reason)| reason)
    }
}

/// Shows only the codes, because the reasons contain rows with people's words.
impl fmt::Debug for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(_, reason)| code(reason))).finish()
    }
}

/// Returns the code of a reason.
pub(super) fn code(reason: &CancellationReason) -> String {
    reason.code().unwrap_or("None").to_owned()
}
