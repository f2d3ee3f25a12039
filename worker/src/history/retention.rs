//! The times for which the history keeps its data, whatever the operator sets.

/// The time for which the history remembers that a message was unsent, that a conversation was forgotten, and the
/// usage. A turn's state is kept for the same time, and after it no job can come any more.
pub const REMEMBERED_FOR: jiff::SignedDuration = jiff::SignedDuration::from_hours(60 * 24);

/// The time for which the words of an edited message are kept for its answer.
pub const EDIT_KEPT: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);
