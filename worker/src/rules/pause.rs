//! The pause of a private chat in which a person of the staff answers instead of the model. Pure.
//!
//! A pause is kept after its end, too: the model is told that a person spoke in between. It holds times only, in Unix
//! milliseconds. A message of a person has the time of its event, by LINE's clock.

use jiff::{SignedDuration, Timestamp};
use shared::job::Job;

use crate::rules::{conversation::rfc3339, forget_marker::ForgetMarker};

/// The length of a pause.
pub const PAUSE: SignedDuration = SignedDuration::from_hours(2);
/// The time in which the staff are told of a person at most once.
const STAFF_KNOW: SignedDuration = SignedDuration::from_mins(10);

/// The line that tells the model of a pause. It stands before the first words after the pause. LINE's webhooks do not
/// have what the staff write.
pub const GAP: &str =
    "[Before this, a person of the staff talked with them here. You have not seen what was said.]\n";

/// A pause of a chat, which runs or has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// The beginning.
    pub since: i64,
    /// The end.
    pub until: i64,
    /// The time of the message for which the staff were told last; `None` if they were never told.
    pub staff_told: Option<i64>,
}

/// A change of the pause of a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseChange {
    /// A pause begins, or the running one is extended.
    Begins {
        /// The time of the change.
        at: i64,
        /// The end of the pause.
        until: i64,
        /// Whether the staff were told of this pause.
        tells_staff: bool,
    },
    /// The pause ends, whatever the time is by the clock that began it.
    Ends {
        /// The end. A message that was said before it, in the pause, gets no answer. `None` if the time by LINE's clock
        /// is not known, so that no message is stopped that may have been said after the end.
        at: Option<i64>,
    },
    /// The conversation and everything of it is forgotten.
    Forgotten {
        /// A pause that began no later than this is forgotten.
        until: i64,
    },
}

impl Pause {
    /// Returns the pause after a change. A change may come twice, and an old beginning may come late: a pause that began
    /// no earlier stays as it is. An end always ends the pause, because the times of the two may be of two clocks.
    #[must_use]
    pub fn following(before: Option<Self>, change: PauseChange) -> Option<Self> {
        match (change, before) {
            (PauseChange::Begins { at, .. }, Some(pause)) if at <= pause.since => before,
            (PauseChange::Begins { at, until, tells_staff }, before) => {
                let staff_told = tells_staff.then_some(at).or(before.and_then(|pause| pause.staff_told));
                let running = before.filter(|pause| at < pause.until);
                let since = running.map_or(at, |pause| pause.since);
                let until = running.map_or(until, |pause| pause.until.max(until));
                Some(Self { since, until, staff_told })
            }
            (PauseChange::Ends { at }, before) => before.map(|pause| {
                let until = at.map_or(pause.since, |at| at.clamp(pause.since, pause.until));
                Self { until, ..pause }
            }),
            (PauseChange::Forgotten { until }, before) => before.filter(|pause| pause.since > until),
        }
    }

    /// Whether the pause runs.
    pub fn is_running(&self, now: Timestamp) -> bool {
        // A pause whose end is its beginning has ended, although its beginning may be to come by this clock.
        self.since < self.until && now.as_millisecond() < self.until
    }

    /// Whether a job gets no answer because of the pause: the pause runs, or the message was said while it ran. An
    /// operator who redrives a job after the pause wants its answer.
    pub fn stops(&self, job: &Job, now: Timestamp) -> bool {
        let is_within = |at: i64| job.run.is_none() && self.since <= at && at < self.until;
        self.is_running(now) || job.at().is_some_and(is_within)
    }

    /// Whether the staff are not told again for a message of this time, because they were told just before.
    pub fn staff_know(&self, at: i64) -> bool {
        self.staff_told.is_some_and(|told| at < after(told, STAFF_KNOW))
    }

    /// Returns the place of the [`GAP`] among past messages with these times: it stands before the message of this
    /// number, or before the question if all messages are older. Returns `None` if the model need not know of the pause:
    /// it was forgotten since, or messages are left out that came after it.
    pub fn gap(&self, times: &[String], forgotten: Option<ForgetMarker>, is_cut: bool) -> Option<usize> {
        let until = rfc3339(Timestamp::from_millisecond(self.until).ok()?);
        let place = times.iter().position(|at| *at > until).unwrap_or(times.len());
        let is_forgotten = forgotten.is_some_and(|marker| marker.said_until > self.since);
        (!is_forgotten && (place > 0 || times.is_empty() || !is_cut)).then_some(place)
    }
}

/// Returns the end of a pause that begins then.
pub fn pause_from(at: i64) -> i64 {
    after(at, PAUSE)
}

fn after(at: i64, time: SignedDuration) -> i64 {
    at.saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use shared::job::{ConversationId, EventId, JobKind};

    use super::*;

    fn pause(since: i64, until: i64, staff_told: Option<i64>) -> Pause {
        Pause { since, until, staff_told }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn changes_come_twice_and_late_and_no_old_one_pauses_again() {
        let begins = |at, until, tells_staff| PauseChange::Begins { at, until, tells_staff };
        let ends = |at| PauseChange::Ends { at: Some(at) };
        let (at_once, never_was) = (PauseChange::Ends { at: None }, pause(10, 10, Some(10)));
        let forgotten = |until| PauseChange::Forgotten { until };
        let (running, ended) = (pause(10, 50, Some(10)), pause(10, 20, Some(10)));
        for (before, change, after) in [
            (None, begins(10, 50, true), Some(running)),
            (Some(running), begins(10, 50, true), Some(running)),
            (Some(ended), begins(10, 50, true), Some(ended)),
            (Some(ended), begins(5, 45, true), Some(ended)),
            (Some(ended), begins(30, 50, false), Some(pause(30, 50, Some(10)))),
            (Some(ended), begins(60, 100, true), Some(pause(60, 100, Some(60)))),
            (Some(running), begins(30, 70, false), Some(pause(10, 70, Some(10)))),
            (Some(running), begins(30, 40, false), Some(running)),
            (Some(running), ends(20), Some(ended)),
            (Some(ended), ends(40), Some(ended)),
            // The clock of the end is behind that of the beginning.
            (Some(running), ends(9), Some(never_was)),
            (Some(running), at_once, Some(never_was)),
            (Some(never_was), ends(20), Some(never_was)),
            (Some(never_was), begins(10, 50, true), Some(never_was)),
            (Some(never_was), begins(30, 70, false), Some(pause(30, 70, Some(10)))),
            (None, ends(20), None),
            (Some(running), forgotten(9), Some(running)),
            (Some(running), forgotten(10), None),
        ] {
            assert_eq!(Pause::following(before, change), after, "{before:?} {change:?}");
        }
    }

    #[test]
    fn nothing_is_answered_while_it_runs_nor_what_was_said_then() {
        let job = |said_at: i64, run: Option<&str>| {
            let event = EventId::try_from("event".to_owned()).unwrap();
            let of = ConversationId::of_known_id("U1".to_owned()).unwrap();
            let job = Job::new(event, of, JobKind::question("q", None));
            Job { happened_at: Some(said_at), run: run.map(str::to_owned), ..job }
        };
        let ten_to_twenty = pause(10, 20, None);
        let ended_at_once = pause(20, 20, None);
        assert!(!ended_at_once.stops(&job(20, None), at(19)), "by this clock it has not even begun");
        for (said_at, run, now, stops) in [
            (5, None, 15, true),
            (12, None, 15, true),
            (12, None, 25, true),
            (10, None, 20, true),
            (9, None, 20, false),
            (20, None, 20, false),
            (12, Some("run"), 15, true),
            (12, Some("run"), 25, false),
        ] {
            assert_eq!(ten_to_twenty.stops(&job(said_at, run), at(now)), stops, "{said_at} {run:?} {now}");
        }
    }

    #[test]
    fn the_staff_are_told_of_a_person_once_in_ten_minutes() {
        let told = pause(0, 5, Some(0));
        assert!(told.staff_know(599_999) && !told.staff_know(600_000));
        assert!(!pause(0, 5, None).staff_know(1));
    }

    #[test]
    fn the_model_is_told_of_it_before_the_first_words_after_it() {
        let times = |millis: &[i64]| millis.iter().map(|&it| rfc3339(at(it))).collect::<Vec<_>>();
        let forgotten = |said_until| Some(ForgetMarker { through: at(said_until), said_until });
        for (millis, marker, is_cut, place) in [
            (&[][..], None, false, Some(0)),
            (&[1, 2], None, false, Some(2)),
            (&[1, 2, 30, 31], None, true, Some(2)),
            (&[30, 31], None, false, Some(0)),
            (&[30, 31], None, true, None),
            (&[1, 2], forgotten(10), false, Some(2)),
            (&[], forgotten(11), false, None),
        ] {
            assert_eq!(
                pause(10, 20, None).gap(&times(millis), marker, is_cut),
                place,
                "{millis:?} {marker:?}"
            );
        }
    }
}
