//! The head row of a conversation: the newest turns by name, the `createdAt` that the next row must come
//! after, and what is forgotten. What the index does not show yet is found through it, and what the index
//! still shows and must not is left out by it. Every change of the row moves `lastCreatedAt`, which is the
//! condition of the next. Pure.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use shared::job::{ConversationId, EventId, MessageId};

use super::{
    asked::{Answer, Asked, row_ids},
    item::{Item, n, number, s, text},
    message_row::Row,
};
use crate::{
    history::{ForgetMarker, TurnRef, WindowStart},
    rules::{
        conversation::{rfc3339, stamp},
        forget_marker::is_said_by,
    },
};

/// How many turns it names: the index would have to be late by more than so many turns to miss one, or to
/// show one that is gone.
const NAMED: usize = 20;
/// The condition of a change: nobody made another one since the row was read.
pub(super) const UNCHANGED: &str = "lastCreatedAt = :last";

/// What is known of a conversation's newest turns.
#[derive(Clone, Default)]
pub(super) struct Head {
    /// The newest turns, oldest first.
    turns: Vec<Asked>,
    /// The ids of the newest rows that were deleted one by one.
    gone: Vec<String>,
    /// The start of the window.
    pub(super) window: Option<WindowStart>,
    /// Up to where all is forgotten.
    pub(super) forgotten: Option<ForgetMarker>,
    /// `lastCreatedAt` as the row has it; `None` if there is no row.
    pub(super) stored: Option<String>,
    /// The `createdAt` of the newest row known, which an older bot may have written.
    pub(super) last: Option<Timestamp>,
}

/// The row's key.
pub(super) fn id(of: &ConversationId) -> String {
    format!("head#{of}")
}

/// The time of a `createdAt`. The article's bot wrote local times without a zone; for the order of rows,
/// which is that of the texts, they count as they stand.
pub(super) fn time(created_at: &str) -> Option<Timestamp> {
    created_at.parse().ok().or_else(|| {
        let naive: DateTime = created_at.parse().ok()?;
        Some(naive.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

impl Head {
    /// The head that a row tells; an empty one where there is no row.
    pub(super) fn of_item(item: Option<&Item>) -> Self {
        let Some(item) = item else { return Self::default() };
        let list =
            |name: &str| item.get(name).and_then(|list| list.as_l().ok()).map_or(&[][..], Vec::as_slice);
        let at = |name: &str| text(item, name).and_then(time);
        Self {
            turns: list("turns").iter().filter_map(Asked::of_attribute).collect(),
            gone: list("gone").iter().filter_map(|id| id.as_s().ok().cloned()).collect(),
            window: window(item),
            forgotten: at("forgottenThrough").map(|through| ForgetMarker {
                through,
                // An older worker wrote only when it was forgotten.
                said_until: number(item, "forgottenSaid")
                    .unwrap_or_else(|| at("forgottenAt").unwrap_or(through).as_millisecond()),
            }),
            stored: text(item, "lastCreatedAt").map(ToOwned::to_owned),
            last: at("lastCreatedAt"),
        }
    }

    /// Takes note of a row that the index shows.
    pub(super) fn follows(&mut self, created_at: &str) {
        self.last = self.last.max(time(created_at));
    }

    /// A further turn is stored, that was said at `said_at`. Where another one's answer is given with it, `with` is that
    /// one's event. Returns the `createdAt` of its question.
    pub(super) fn asked(
        &mut self,
        turn: TurnRef,
        said_at: Option<i64>,
        with: Option<&EventId>,
        now: Timestamp,
    ) -> Timestamp {
        let at = self.further_row(now);
        let answer = with.map_or(Answer::Own, |event| Answer::Of(event.clone()));
        // It may have been there before, and taken back.
        let rows = row_ids(&turn.event);
        self.gone.retain(|id| !rows.contains(id));
        self.turns.push(Asked { turn, created_at: rfc3339(at), said_at, answer });
        at
    }

    /// The `createdAt` of a further row.
    pub(super) fn further_row(&mut self, now: Timestamp) -> Timestamp {
        *self.last.insert(stamp(now, self.last))
    }

    /// A turn takes the place of an old one, and answers what that one answered.
    pub(super) fn replaced(&mut self, old: &EventId, by: &EventId) {
        self.turns.iter_mut().for_each(|asked| asked.is_answered_by(old, by));
        self.lose(row_ids(old));
    }

    /// These rows are deleted, whatever the index says. Others that were answered by one of them go on
    /// waiting for it.
    pub(super) fn lose(&mut self, rows: impl IntoIterator<Item = String>) {
        let rows: Vec<_> = rows.into_iter().collect();
        self.turns.retain_mut(|asked| asked.outlives(&rows));
        self.gone.extend(rows);
    }

    /// Nobody waits for the answer of this turn any more.
    pub(super) fn gives_up(&mut self, event: &EventId) {
        let waits = |asked: &&mut Asked| asked.answer == Answer::Of(event.clone());
        self.turns.iter_mut().filter(waits).for_each(|asked| asked.answer = Answer::Gone);
    }

    /// How many questions of other turns have the answer of this one.
    pub(super) fn others(&self, event: &EventId) -> u32 {
        let others = self.turns.iter().filter(|asked| asked.answer == Answer::Of(event.clone()));
        u32::try_from(others.count()).unwrap_or(u32::MAX)
    }

    /// Whether a question waits for the answer of this turn.
    pub(super) fn is_waited_for(&self, event: &EventId) -> bool {
        self.names(event) || self.others(event) > 0
    }

    /// Whether it names this turn.
    fn names(&self, event: &EventId) -> bool {
        self.turns.iter().any(|asked| asked.turn.event == *event)
    }

    /// The row changes though nothing new is said.
    pub(super) fn moves_on(&mut self, now: Timestamp) {
        self.last = Some(self.last.map_or(now, |last| stamp(last, Some(last))));
    }

    /// What was said until then is forgotten. Returns its turns.
    pub(super) fn forget(&mut self, until: i64, now: Timestamp) -> Vec<Asked> {
        let through = self.further_row(now);
        let (forgotten, kept) = self.turns.drain(..).partition(|asked| is_said_by(asked.said_at, until));
        self.turns = kept;
        self.window = None;
        self.forgotten = Some(ForgetMarker::following(self.forgotten, through, until));
        forgotten
    }

    /// The newest turn.
    pub(super) fn newest(&self) -> Option<&TurnRef> {
        self.turns.last().map(|asked| &asked.turn)
    }

    /// When the conversation went on last. A forget does not count.
    pub(super) fn last_said(&self) -> Option<Timestamp> {
        let is_forget = self.forgotten.is_some_and(|marker| self.last == Some(marker.through));
        if is_forget { self.turns.last().and_then(|asked| time(&asked.created_at)) } else { self.last }
    }

    /// The turns with a message, each with that of its answer.
    pub(super) fn asked_in(&self, message_id: &MessageId) -> impl Iterator<Item = &Asked> {
        self.turns.iter().filter(move |asked| asked.turn.message_id.as_ref() == Some(message_id))
    }

    /// The messages of other turns that the answer of this one answers.
    pub(super) fn answered_with(&self, event: &EventId) -> impl Iterator<Item = &MessageId> {
        let with = move |asked: &&Asked| asked.answer == Answer::Of(event.clone());
        self.turns.iter().filter(with).filter_map(|asked| asked.turn.message_id.as_ref())
    }

    /// The row to be written.
    pub(super) fn row(&self, of: &ConversationId, expires_at: Option<i64>) -> Item {
        let turns = newest(&self.turns, NAMED).iter().map(Asked::attribute).collect();
        let mut row =
            HashMap::from([("id".to_owned(), s(id(of))), ("turns".to_owned(), AttributeValue::L(turns))]);
        row.extend(self.last.map(|last| ("lastCreatedAt".to_owned(), s(rfc3339(last)))));
        if !self.gone.is_empty() {
            let gone = newest(&self.gone, 2 * NAMED).iter().map(s).collect();
            row.insert("gone".to_owned(), AttributeValue::L(gone));
        }
        if let Some(WindowStart { after, within }) = &self.window {
            row.insert("memoryAfter".to_owned(), s(after));
            row.insert("memoryWithin".to_owned(), s(within));
        }
        if let Some(mark) = self.forgotten {
            row.insert("forgottenThrough".to_owned(), s(rfc3339(mark.through)));
            row.insert("forgottenSaid".to_owned(), n(mark.said_until));
        }
        row.extend(expires_at.map(|at| ("expiresAt".to_owned(), n(at))));
        row
    }

    /// Whether a row that the index shows is forgotten.
    pub(super) fn hides(&self, row: &Row) -> bool {
        let is_old = |marker: ForgetMarker| marker.hides(row.said_at, time(&row.created_at));
        self.gone.contains(&row.id) || self.forgotten.is_some_and(is_old)
    }

    /// The ids of rows that belong among the newest `limit` and that the index does not show. `shown` is
    /// what it shows, newest first; `ttl` is how long rows are kept.
    pub(super) fn missing(
        &self,
        shown: &[Row],
        limit: usize,
        now: Timestamp,
        ttl: Option<SignedDuration>,
    ) -> Vec<String> {
        // Where the index has shown enough, only what is newer than the oldest of it matters.
        let since = if shown.len() < limit { "" } else { shown.last().map_or("", |row| &row.created_at) };
        let kept = |asked: &&Asked| {
            let expired = |ttl| time(&asked.created_at).is_some_and(|at| now.duration_since(at) >= ttl);
            asked.created_at.as_str() >= since && !ttl.is_some_and(expired)
        };
        let seen: HashSet<&str> = shown.iter().map(|row| row.id.as_str()).collect();
        let named = self.turns.iter().filter(kept).flat_map(Asked::rows);
        named.filter(|id| !seen.contains(id.as_str())).collect()
    }
}

fn window(item: &Item) -> Option<WindowStart> {
    let word = |name| text(item, name).map(ToOwned::to_owned);
    Some(WindowStart { after: word("memoryAfter")?, within: word("memoryWithin")? })
}

/// The last so many.
fn newest<T>(all: &[T], most: usize) -> &[T] {
    &all[all.len().saturating_sub(most)..]
}

#[cfg(test)]
mod tests;
