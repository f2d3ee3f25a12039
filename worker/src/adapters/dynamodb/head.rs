//! The head row of a conversation: the newest turns by name, and the `createdAt` that the next row must
//! come after. What the index does not show yet is found through it. Pure.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use shared::job::{ConversationId, EventId};

use super::{Item, load::Row, n, s, text};
use crate::{
    conversation::{Role, rfc3339},
    history::row_id,
};

/// How many turns it names: the index would have to be late by more than so many turns to miss one.
const NAMED: usize = 20;

/// What is known of a conversation's newest turns.
#[derive(Clone, Default)]
pub(super) struct Head {
    /// The newest turns, oldest first.
    turns: Vec<Named>,
    /// `lastCreatedAt` as the row has it; `None` if there is no row.
    pub(super) stored: Option<String>,
    /// The `createdAt` of the newest row known, which an older bot may have written.
    pub(super) last: Option<Timestamp>,
}

/// A turn and when its question was stored.
#[derive(Clone)]
struct Named {
    event: EventId,
    created_at: String,
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
        let named = |turn: &AttributeValue| {
            let turn = turn.as_m().ok()?;
            let event = EventId::try_from(text(turn, "event")?.to_owned()).ok()?;
            Some(Named { event, created_at: text(turn, "createdAt")?.to_owned() })
        };
        let turns = item.get("turns").and_then(|list| list.as_l().ok()).map_or(&[][..], Vec::as_slice);
        let stored = text(item, "lastCreatedAt").map(ToOwned::to_owned);
        Self {
            turns: turns.iter().filter_map(named).collect(),
            last: stored.as_deref().and_then(time),
            stored,
        }
    }

    /// Takes note of a row that the index shows.
    pub(super) fn follows(&mut self, created_at: &str) {
        self.last = self.last.max(time(created_at));
    }

    /// The row once a further turn is stored, whose answer is stamped `answered_at`.
    pub(super) fn with(
        &self,
        of: &ConversationId,
        event: &EventId,
        (asked_at, answered_at): (Timestamp, Timestamp),
        expires_at: Option<i64>,
    ) -> Item {
        let newest = Named { event: event.clone(), created_at: rfc3339(asked_at) };
        let older = self.turns.len().saturating_sub(NAMED - 1);
        let turns = self.turns[older..].iter().chain([&newest]).map(|turn| {
            let event = ("event".to_owned(), s(turn.event.as_str()));
            AttributeValue::M(HashMap::from([event, ("createdAt".to_owned(), s(&turn.created_at))]))
        });
        let mut row = HashMap::from([
            ("id".to_owned(), s(id(of))),
            ("turns".to_owned(), AttributeValue::L(turns.collect())),
            ("lastCreatedAt".to_owned(), s(rfc3339(answered_at))),
        ]);
        row.extend(expires_at.map(|at| ("expiresAt".to_owned(), n(at))));
        row
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
        let kept = |turn: &&Named| {
            let expired = |ttl| time(&turn.created_at).is_some_and(|at| now.duration_since(at) >= ttl);
            turn.created_at.as_str() >= since && !ttl.is_some_and(expired)
        };
        let seen: HashSet<&str> = shown.iter().map(|row| row.id.as_str()).collect();
        let rows =
            |turn: &Named| [Role::User, Role::Assistant].map(|role| row_id(&turn.event, role).to_string());
        let named = self.turns.iter().filter(kept).flat_map(rows);
        named.filter(|id| !seen.contains(id.as_str())).collect()
    }
}

#[cfg(test)]
mod tests;
