//! The forget marker of a conversation: the messages that it covers, and the answers that are not stored because of it.
//! Pure.

use jiff::Timestamp;
use shared::job::Job;

/// The time up to which a conversation is forgotten. Each new `through` is later than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForgetMarker {
    /// The `createdAt` up to which a row is forgotten that does not record when it was said. It is never before any row
    /// that existed when the marker was set. Rows of the article's bot can be hours ahead of the clock, and then this
    /// time is ahead, too.
    pub through: Timestamp,
    /// The time up to which messages are forgotten, by [`Job::at`]. Of the messages of exactly this millisecond, only
    /// those are forgotten that were stored before the marker was set, because nobody knows which was said first.
    pub said_until: i64,
}

/// The result of the comparison of an answer with the forget marker of its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The answer uses nothing that is forgotten.
    Fits,
    /// The answer may use forgotten messages: it was made with another marker, or one of its questions is forgotten.
    Stale,
    /// The question of the job itself is forgotten.
    Forgotten,
}

impl ForgetMarker {
    /// Returns the marker of a conversation that is forgotten once more. Messages that were forgotten before stay
    /// forgotten.
    pub fn following(before: Option<Self>, through: Timestamp, said_until: i64) -> Self {
        let said_until = before.map_or(said_until, |before| before.said_until.max(said_until));
        Self { through, said_until }
    }

    /// Whether a job was said before the time up to which the conversation is forgotten. A job that forgets the
    /// conversation is never covered, so that it does not forget itself.
    pub fn covers(&self, job: &Job) -> bool {
        !job.forgets() && self.has_forgotten(job.at())
    }

    /// Compares an answer with the marker. The answer is to a job and to all questions that were said at the times
    /// `said`. `seen` is the marker with which the answer was made.
    pub fn fit(&self, job: &Job, said: impl IntoIterator<Item = Option<i64>>, seen: Option<Self>) -> Fit {
        if self.has_forgotten(job.at()) {
            Fit::Forgotten
        } else if Some(*self) != seen || said.into_iter().any(|at| self.has_forgotten(at)) {
            Fit::Stale
        } else {
            Fit::Fits
        }
    }

    /// Whether a row that still exists is forgotten, by the times when it was said and stored.
    pub fn hides(&self, said_at: Option<i64>, stored_at: Option<Timestamp>) -> bool {
        let is_old = stored_at.is_none_or(|at| at <= self.through);
        said_at.map_or(is_old, |at| at < self.said_until || at == self.said_until && is_old)
    }

    fn has_forgotten(&self, said_at: Option<i64>) -> bool {
        said_at.is_some_and(|at| at < self.said_until)
    }
}

/// Whether a row is forgotten with all messages up to `until`. A row that does not record when it was said is
/// forgotten, too.
pub fn is_said_by(said_at: Option<i64>, until: i64) -> bool {
    said_at.is_none_or(|at| at <= until)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::job::{ConversationId, EventId, JobKind};

    use super::*;

    fn job(text: &str, at: Option<i64>) -> Job {
        let (event, of) =
            (EventId::try_from("event".to_owned()), ConversationId::of_known_id("U1".to_owned()));
        Job { happened_at: at, ..Job::new(event.unwrap(), of.unwrap(), JobKind::question(text, None)) }
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
