//! The pause of a chat, which the head row keeps: so `load` and `store` read it without a further request, and an answer
//! that was drafted before a pause conflicts with it.

use super::item::{Item, n, number};
use crate::rules::pause::Pause;

/// Reads the pause from the head row.
pub(super) fn of_item(item: &Item) -> Option<Pause> {
    let (since, until) = (number(item, "pausedSince")?, number(item, "pausedUntil")?);
    Some(Pause { since, until, staff_told: number(item, "staffTold") })
}

/// Adds the pause to the head row.
pub(super) fn add(pause: Pause, row: &mut Item) {
    row.insert("pausedSince".to_owned(), n(pause.since));
    row.insert("pausedUntil".to_owned(), n(pause.until));
    row.extend(pause.staff_told.map(|at| ("staffTold".to_owned(), n(at))));
}
