//! The head row of a conversation: the names of the newest turns, the `createdAt` that the next row must come after,
//! and the forget marker. With the head, the bot finds rows that the index does not show yet, and leaves out rows that
//! the index still shows but must not. Every change of the row increases `lastCreatedAt`, which is the condition of the
//! next change. Pure.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use shared::job::{ConversationId, EventId, MessageId};

use super::{
    asked::{Answer, Asked, row_ids},
    item::{Item, n, number, s, text},
    message_row::Row,
    pause,
};
use crate::{
    history::{ForgetMarker, Pause, TurnRef, WindowStart},
    rules::{
        conversation::{rfc3339, stamp},
        forget_marker::is_said_by,
    },
};

/// The number of turns that the head names. The index would have to be late by more turns than this to miss a row, or
/// to show a deleted one.
const NAMED: usize = 20;
/// The condition of a change: the row has not changed since it was read.
pub(super) const UNCHANGED: &str = "lastCreatedAt = :last";

/// The knowledge about a conversation's newest turns.
#[derive(Clone, Default)]
pub(super) struct Head {
    /// The newest turns, oldest first.
    turns: Vec<Asked>,
    /// The ids of the newest rows that were deleted one by one.
    gone: Vec<String>,
    /// The start of the window.
    pub(super) window: Option<WindowStart>,
    /// The time up to which everything is forgotten.
    pub(super) forgotten: Option<ForgetMarker>,
    /// The pause of the chat.
    pub(super) pause: Option<Pause>,
    /// The `lastCreatedAt` of the stored row; `None` if there is no row.
    pub(super) stored: Option<String>,
    /// The `createdAt` of the newest row known, which an older bot may have written.
    pub(super) last: Option<Timestamp>,
}

/// Returns the row's key.
pub(super) fn id(of: &ConversationId) -> String {
    format!("head#{of}")
}

/// Reads the time of a `createdAt`. The article's bot wrote local times without a zone. They are read as if they were
/// in UTC, because rows are ordered by these texts.
pub(super) fn time(created_at: &str) -> Option<Timestamp> {
    created_at.parse().ok().or_else(|| {
        let naive: DateTime = created_at.parse().ok()?;
        Some(naive.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

impl Head {
    /// Reads the head from a row. Returns an empty head if there is no row.
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
                // An older worker wrote only the time of the forget itself.
                said_until: number(item, "forgottenSaid")
                    .unwrap_or_else(|| at("forgottenAt").unwrap_or(through).as_millisecond()),
            }),
            pause: pause::of_item(item),
            stored: text(item, "lastCreatedAt").map(ToOwned::to_owned),
            last: at("lastCreatedAt"),
        }
    }

    /// Records the `createdAt` of a row that the index shows.
    pub(super) fn follows(&mut self, created_at: &str) {
        self.last = self.last.max(time(created_at));
    }

    /// Adds a turn that is stored now and was said at `said_at`. If another turn has its answer, `with` is that turn's
    /// event. Returns the `createdAt` of the question.
    pub(super) fn asked(
        &mut self,
        turn: TurnRef,
        said_at: Option<i64>,
        with: Option<&EventId>,
        now: Timestamp,
    ) -> Timestamp {
        let at = self.further_row(now);
        let answer = with.map_or(Answer::Own, |event| Answer::Of(event.clone()));
        // The turn may have had these rows before, and they were deleted.
        let rows = row_ids(&turn.event);
        self.gone.retain(|id| !rows.contains(id));
        self.turns.push(Asked { turn, created_at: rfc3339(at), said_at, answer });
        at
    }

    /// Returns the `createdAt` of a further row, and records it as the newest.
    pub(super) fn further_row(&mut self, now: Timestamp) -> Timestamp {
        *self.last.insert(stamp(now, self.last))
    }

    /// Replaces the turn `old` by the turn `by`, which now answers what `old` answered.
    pub(super) fn replaced(&mut self, old: &EventId, by: &EventId) {
        self.turns.iter_mut().for_each(|asked| asked.is_answered_by(old, by));
        self.lose(row_ids(old));
    }

    /// Records that these rows are deleted, even if the index still shows them. Other questions that one of them
    /// answered continue to wait for that turn.
    pub(super) fn lose(&mut self, rows: impl IntoIterator<Item = String>) {
        let rows: Vec<_> = rows.into_iter().collect();
        self.turns.retain_mut(|asked| asked.outlives(&rows));
        self.gone.extend(rows);
    }

    /// Records that no question waits for the answer of this turn any more.
    pub(super) fn gives_up(&mut self, event: &EventId) {
        let waits = |asked: &&mut Asked| asked.answer == Answer::Of(event.clone());
        self.turns.iter_mut().filter(waits).for_each(|asked| asked.answer = Answer::Gone);
    }

    /// Returns the number of questions of other turns that have the answer of this turn.
    pub(super) fn others(&self, event: &EventId) -> u32 {
        let others = self.turns.iter().filter(|asked| asked.answer == Answer::Of(event.clone()));
        u32::try_from(others.count()).unwrap_or(u32::MAX)
    }

    /// Whether a question waits for the answer of this turn.
    pub(super) fn is_waited_for(&self, event: &EventId) -> bool {
        self.names(event) || self.others(event) > 0
    }

    /// Whether the head names this turn.
    fn names(&self, event: &EventId) -> bool {
        self.turns.iter().any(|asked| asked.turn.event == *event)
    }

    /// Increases `lastCreatedAt` for a change that adds no message.
    pub(super) fn moves_on(&mut self, now: Timestamp) {
        self.last = Some(self.last.map_or(now, |last| stamp(last, Some(last))));
    }

    /// Forgets what was said until then. Returns the forgotten turns.
    pub(super) fn forget(&mut self, until: i64, now: Timestamp) -> Vec<Asked> {
        let through = self.further_row(now);
        let (forgotten, kept) = self.turns.drain(..).partition(|asked| is_said_by(asked.said_at, until));
        self.turns = kept;
        self.window = None;
        self.forgotten = Some(ForgetMarker::following(self.forgotten, through, until));
        forgotten
    }

    /// Returns the newest turn.
    pub(super) fn newest(&self) -> Option<&TurnRef> {
        self.turns.last().map(|asked| &asked.turn)
    }

    /// Returns the time of the newest row of the conversation. A forget does not count.
    pub(super) fn last_said(&self) -> Option<Timestamp> {
        let is_forget = self.forgotten.is_some_and(|marker| self.last == Some(marker.through));
        if is_forget { self.turns.last().and_then(|asked| time(&asked.created_at)) } else { self.last }
    }

    /// Returns the turns with this message. Each of them names the turn of its answer.
    pub(super) fn asked_in(&self, message_id: &MessageId) -> impl Iterator<Item = &Asked> {
        self.turns.iter().filter(move |asked| asked.turn.message_id.as_ref() == Some(message_id))
    }

    /// Returns the turns with the answers of the conversation, newest first.
    pub(super) fn answers(&self) -> impl Iterator<Item = &EventId> {
        self.turns.iter().rev().filter_map(Asked::answered_in)
    }

    /// Returns the messages of other turns that the answer of this turn answers.
    pub(super) fn answered_with(&self, event: &EventId) -> impl Iterator<Item = &MessageId> {
        let with = move |asked: &&Asked| asked.answer == Answer::Of(event.clone());
        self.turns.iter().filter(with).filter_map(|asked| asked.turn.message_id.as_ref())
    }

    /// Returns the row to write.
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
        if let Some(pause) = self.pause {
            pause::add(pause, &mut row);
        }
        row.extend(expires_at.map(|at| ("expiresAt".to_owned(), n(at))));
        row
    }

    /// Whether a row that the index shows is forgotten.
    pub(super) fn hides(&self, row: &Row) -> bool {
        let is_old = |marker: ForgetMarker| marker.hides(row.said_at, time(&row.created_at));
        self.gone.contains(&row.id) || self.forgotten.is_some_and(is_old)
    }

    /// Returns the ids of rows that belong to the newest `limit` rows and that the index does not show. `shown` is what
    /// the index shows, newest first; `ttl` is how long rows are kept.
    pub(super) fn missing(
        &self,
        shown: &[Row],
        limit: usize,
        now: Timestamp,
        ttl: Option<SignedDuration>,
    ) -> Vec<String> {
        // If the index has shown enough rows, only rows that are newer than the oldest of them matter.
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

/// Returns the last `most` items.
fn newest<T>(all: &[T], most: usize) -> &[T] {
    &all[all.len().saturating_sub(most)..]
}

#[cfg(test)]
mod tests;
