#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::{history::row_id, rules::conversation::Role};

const NOW: &str = "2026-03-01T12:00:00Z";

fn event(number: usize) -> EventId {
    EventId::try_from(format!("event-{number}")).unwrap()
}

fn at(minute: usize) -> Timestamp {
    format!("2026-03-01T10:{minute:02}:00Z").parse().unwrap()
}

/// Returns the time when the question of a turn was said.
fn said(turn: usize) -> i64 {
    at(turn).as_millisecond() - 1
}

/// Returns the head after so many turns, one a minute.
fn head(turns: usize) -> Head {
    let of = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let one = |mut head: Head, turn: usize| {
        let named = TurnRef { event: event(turn), message_id: None };
        head.asked(named, Some(said(turn)), None, at(turn));
        Head::of_item(Some(&head.row(&of, None)))
    };
    (0..turns).fold(Head::default(), one)
}

fn shown(turn: usize, role: Role) -> Row {
    let id = row_id(&event(turn), role).to_string();
    Row {
        id,
        created_at: rfc3339(at(turn)),
        said_at: Some(said(turn)),
        message: None,
        message_id: None,
        image_set: None,
    }
}

fn check(head: &Head, shown: &[Row], limit: usize, ttl: Option<SignedDuration>, expected: &[(usize, Role)]) {
    let expected: Vec<_> =
        expected.iter().map(|&(turn, role)| row_id(&event(turn), role).to_string()).collect();
    assert_eq!(head.missing(shown, limit, NOW.parse().unwrap(), ttl), expected);
}

#[test]
fn nothing_is_fetched_that_the_index_shows_or_that_is_too_old_to_matter() {
    use Role::{Assistant, User};
    let three = head(3);
    let all = |turns: std::ops::Range<usize>| -> Vec<Row> {
        turns.rev().flat_map(|turn| [shown(turn, Assistant), shown(turn, User)]).collect()
    };
    check(&three, &all(0..3), 50, None, &[]);
    check(&three, &all(0..2), 50, None, &[(2, User), (2, Assistant)]);
    check(&three, &[shown(2, User)], 1, None, &[(2, Assistant)]);
    check(&three, &all(1..3), 4, None, &[]);
    check(&three, &all(1..2), 2, None, &[(2, User), (2, Assistant)]);
    check(&Head::default(), &[], 50, None, &[]);
}

#[test]
fn turns_past_their_time_are_not_looked_for() {
    let ttl = SignedDuration::from_mins(119);
    check(&head(3), &[], 50, Some(ttl), &[(2, Role::User), (2, Role::Assistant)]);
}

#[test]
fn it_names_the_last_twenty_turns() {
    let head = head(25);
    assert_eq!(head.turns.len(), NAMED);
    assert_eq!(head.turns.first().unwrap().turn.event, event(5));
    assert_eq!(head.stored.as_deref(), Some("2026-03-01T10:24:00.000000Z"));
}

#[test]
fn the_articles_local_times_count_as_they_stand() {
    for naive in ["2026-03-01T21:00:00.123456", "2026-03-01 21:00:00.123456"] {
        assert_eq!(time(naive), Some("2026-03-01T21:00:00.123456Z".parse().unwrap()));
    }
    let mut head = head(1);
    head.follows("2026-03-01T21:00:00.123456");
    assert_eq!(rfc3339(head.last.unwrap()), "2026-03-01T21:00:00.123456Z");
    assert_eq!(time("yesterday"), None);
}

#[test]
fn what_is_forgotten_is_hidden_however_long_the_index_shows_it() {
    let mut head = head(3);
    head.lose(row_ids(&event(1)));
    check(
        &head,
        &[],
        2,
        None,
        &[(0, Role::User), (0, Role::Assistant), (2, Role::User), (2, Role::Assistant)],
    );
    assert!(head.hides(&shown(1, Role::User)) && head.hides(&shown(1, Role::Assistant)));
    assert!(!head.hides(&shown(2, Role::User)));
    let forgotten = head.forget(said(1), NOW.parse().unwrap());
    assert_eq!(forgotten.iter().map(Asked::event).collect::<Vec<_>>(), [&event(0)]);
    let of = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let mut head = Head::of_item(Some(&head.row(&of, None)));
    assert!(head.hides(&shown(0, Role::User)) && !head.hides(&shown(2, Role::User)));
    assert!(head.hides(&Row { said_at: None, ..shown(2, Role::User) }), "a row of the article's bot");
    check(&head, &[], 50, None, &[(2, Role::User), (2, Role::Assistant)]);
    let marker = head.forgotten.unwrap();
    assert!(head.last == Some(marker.through) && marker.said_until == said(1));
    // A second forget at the same moment sets another marker, so that a worker that saw the first one is older.
    // Forgotten rows stay forgotten.
    head.forget(said(0), NOW.parse().unwrap());
    assert!(head.forgotten.unwrap().through > marker.through);
    assert_eq!(head.forgotten.unwrap().said_until, said(1));
}

#[test]
fn of_a_burst_each_question_is_named_and_the_one_answer() {
    use Role::{Assistant, User};
    let of = ConversationId::of_known_id("U1".to_owned()).unwrap();
    let named = |turn| TurnRef { event: event(turn), message_id: None };
    let mut head = head(1);
    for turn in 1..3 {
        head.asked(named(turn), None, Some(&event(3)), at(1));
    }
    head.asked(named(3), None, None, at(1));
    let mut head = Head::of_item(Some(&head.row(&of, None)));
    let rows = [(0, User), (0, Assistant), (1, User), (2, User), (3, User), (3, Assistant)];
    check(&head, &[], 50, None, &rows);
    // The answer is deleted and no longer looked for; the questions stay.
    head.lose([row_id(&event(3), Assistant).to_string()]);
    let head = Head::of_item(Some(&head.row(&of, None)));
    check(&head, &[], 50, None, &rows[..5]);
}

#[test]
fn every_change_moves_the_row_on() {
    let mut head = head(1);
    let before = rfc3339(head.last.unwrap());
    head.moves_on(at(0) - SignedDuration::from_hours(1));
    assert!(rfc3339(head.last.unwrap()) > before);
    let mut none = Head::default();
    none.moves_on(at(1));
    assert_eq!(none.last, Some(at(1)));
}
