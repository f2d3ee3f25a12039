//! The forget marker of a conversation: what it covers, and what it keeps from being stored. Pure.

use jiff::Timestamp;
use shared::job::Job;

/// Up to where a conversation is forgotten. Each `through` is after the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgetMarker {
    /// Rows that do not tell when they were said are forgotten up to this `createdAt`, which is never before any
    /// row that was there. Rows of the article's bot can be ahead of the clock by hours, and this with them.
    pub through: Timestamp,
    /// What was said then or earlier is forgotten, by [`Job::at`]. Of the same millisecond it is only what was stored
    /// before the marker was set: nobody knows which was said first.
    pub said_until: i64,
}

/// Whether an answer fits the forget marker of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Fits,
    /// It was made of something that is forgotten.
    Stale,
    /// Its question is forgotten.
    Forgotten,
}

impl ForgetMarker {
    /// The marker of a conversation that is forgotten once more. What was forgotten stays so.
    pub fn following(before: Option<Self>, through: Timestamp, said_until: i64) -> Self {
        let said_until = before.map_or(said_until, |before| before.said_until.max(said_until));
        Self { through, said_until }
    }

    /// Whether a job was said before what was forgotten last. The job that forgets is not forgotten by itself.
    pub fn covers(&self, job: &Job) -> bool {
        !job.forgets() && self.has_forgotten(job.at())
    }

    /// Whether an answer to a job, and to all questions that were said at these times, fits. `seen` is the marker that
    /// it was made with.
    pub fn fit(&self, job: &Job, said: impl IntoIterator<Item = Option<i64>>, seen: Option<Self>) -> Fit {
        if self.has_forgotten(job.at()) {
            Fit::Forgotten
        } else if Some(*self) != seen || said.into_iter().any(|at| self.has_forgotten(at)) {
            Fit::Stale
        } else {
            Fit::Fits
        }
    }

    /// Whether a row that was said and stored then is forgotten, where it is still there.
    pub fn hides(&self, said_at: Option<i64>, stored_at: Option<Timestamp>) -> bool {
        let is_old = stored_at.is_none_or(|at| at <= self.through);
        said_at.map_or(is_old, |at| at < self.said_until || at == self.said_until && is_old)
    }

    fn has_forgotten(&self, said_at: Option<i64>) -> bool {
        said_at.is_some_and(|at| at < self.said_until)
    }
}

/// Whether a row is forgotten with what was said until then. One that does not tell when it was said is.
pub fn is_said_by(said_at: Option<i64>, until: i64) -> bool {
    said_at.is_none_or(|at| at <= until)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::job::{Ask, ConversationId, EventId};

    use super::*;

    fn job(text: &str, at: Option<i64>) -> Job {
        let (event, of) =
            (EventId::try_from("event".to_owned()), ConversationId::of_known_id("U1".to_owned()));
        Job { happened_at: at, ..Job::new(event.unwrap(), of.unwrap(), Ask::question(text, None)) }
    }

    fn marker(before: Option<ForgetMarker>, said_until: i64) -> ForgetMarker {
        ForgetMarker::following(before, Timestamp::UNIX_EPOCH, said_until)
    }

    #[test]
    fn it_covers_what_was_said_before_and_goes_never_back() {
        let two = marker(None, 2);
        for (text, at, is_covered) in [
            ("q", Some(1), true),
            ("q", Some(2), false),
            ("q", Some(3), false),
            ("q", None, false),
            ("forget", Some(1), false),
        ] {
            assert_eq!(two.covers(&job(text, at)), is_covered, "{text} {at:?}");
        }
        assert_eq!(marker(Some(two), 1).said_until, 2);
        assert_eq!(marker(Some(two), 3).said_until, 3);
        assert!(is_said_by(Some(2), 2) && is_said_by(None, 2) && !is_said_by(Some(3), 2));
    }

    #[test]
    fn a_row_that_an_index_still_shows_is_hidden_and_what_came_after_the_marker_is_not() {
        let (before, after) = (Timestamp::UNIX_EPOCH, "1970-01-02T00:00:00Z".parse().unwrap());
        for (said_at, stored_at, is_hidden) in [
            (Some(1), Some(after), true),
            (Some(2), Some(before), true),
            (Some(2), Some(after), false),
            (Some(3), Some(before), false),
            (None, Some(before), true),
            (None, Some(after), false),
            (None, None, true),
        ] {
            assert_eq!(marker(None, 2).hides(said_at, stored_at), is_hidden, "{said_at:?} {stored_at:?}");
        }
    }

    #[test]
    fn no_answer_is_stored_to_what_is_forgotten_nor_one_that_was_made_of_it() {
        let (two, other) = (marker(None, 2), marker(None, 1));
        for (earlier, own, seen, fit) in [
            (None, 3, Some(two), Fit::Fits),
            (None, 2, Some(two), Fit::Fits),
            (None, 1, Some(two), Fit::Forgotten),
            (None, 3, Some(other), Fit::Stale),
            (None, 3, None, Fit::Stale),
            (Some(3), 4, Some(two), Fit::Fits),
            (Some(1), 3, Some(two), Fit::Stale),
            (Some(1), 1, None, Fit::Forgotten),
        ] {
            let said = [earlier, Some(own)];
            assert_eq!(two.fit(&job("q", Some(own)), said, seen), fit, "{earlier:?} {own} {seen:?}");
        }
    }
}
