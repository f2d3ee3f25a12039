//! Reading a conversation: the index for the bulk, the head for what the index does not show yet.

use jiff::Timestamp;
use shared::job::{ConversationId, Job};

use super::{
    error::DynamoError,
    group,
    head::{self, Head},
    item::{Item, number, s, text},
    message_row::Row,
    table::DynamoHistory,
    turn, unanswered, unsent,
};
use crate::history::{Limit, Period, Snapshot, Usage, Wanted};

/// The key of a conversation's settings.
pub(super) fn settings_id(of: &ConversationId) -> String {
    format!("settings#{of}")
}

/// The key of a user's usage.
pub(super) fn usage_id(user: &str, period: Period) -> String {
    format!("usage#{user}#{period}")
}

impl DynamoHistory {
    /// What is known when a turn begins: the index, and side by side with it all else by one call.
    pub(super) async fn past(
        &self,
        job: &Job,
        wanted: Wanted,
        now: Timestamp,
    ) -> Result<Snapshot, DynamoError> {
        let (of, limit) = (&job.conversation, wanted.limit as usize);
        let unsent = job.message_id().map(unsent::id);
        let used = wanted.period.map(|period| usage_id(job.user(), period));
        let in_group = !job.is_private();
        let said = job.message_id().filter(|_| in_group).map(group::said_id);
        let own = job.quotes().filter(|_| in_group).map(group::own_id);
        let turn = (limit == 0).then(|| turn::id(&job.event_id));
        let always = [head::id(of), settings_id(of), unanswered::id(of)];
        let ids = always
            .iter()
            .chain(&unsent)
            .chain(&used)
            .chain(&said)
            .chain(&own)
            .chain(&turn)
            .cloned()
            .collect();
        let (mut rows, known) = tokio::try_join!(self.shown(of, limit, now), self.items(ids))?;
        let known = |id: &String| known.iter().find(|item| text(item, "id") == Some(id));

        let mut head = Head::of_item(known(&always[0]));
        if let Some(newest) = rows.first() {
            head.follows(&newest.created_at);
        }
        rows.retain(|row| !head.hides(row));
        let missing = if limit == 0 { vec![] } else { head.missing(&rows, limit, now, self.ttl) };
        let past = Snapshot {
            last: head.last,
            newest: head.newest().cloned(),
            persona: known(&always[1]).and_then(|row| text(row, "persona")).map(ToOwned::to_owned),
            used: used.as_ref().and_then(known).map(usage).unwrap_or_default(),
            unanswered: known(&always[2]).and_then(|row| unanswered::of_item(row, head.last, now)),
            stage: turn.as_ref().and_then(known).map(turn::stage).unwrap_or_default(),
            unsent: unsent.as_ref().and_then(known).is_some(),
            others: head.others(&job.event_id),
            forgotten: head.forgotten,
            memory: head.memory.clone(),
            edit: said.as_ref().and_then(known).and_then(|row| group::edit(row, now)),
            answered_by: said.as_ref().and_then(known).and_then(group::answered_by),
            quotes_own: own.as_ref().and_then(known).is_some(),
            messages: vec![],
            times: vec![],
        };
        if limit > 0 {
            self.remember(of, head);
        }
        if !missing.is_empty() {
            let missing = self.items(missing).await?;
            rows.extend(missing.iter().filter_map(|item| Row::of_item(item, now)));
            rows.sort_by(|a, b| b.created_at.cmp(&a.created_at));
            rows.truncate(limit);
        }
        let said = rows.into_iter().rev().filter_map(|row| Some((row.message?, row.created_at)));
        let (messages, times) = said.unzip();
        Ok(Snapshot { messages, times, ..past })
    }

    /// Keeps a persona, or none.
    pub(super) async fn keep_persona(
        &self,
        of: &ConversationId,
        persona: Option<String>,
    ) -> Result<(), DynamoError> {
        let row = self.client.update_item().table_name(&self.table).key("id", s(settings_id(of)));
        let row = match persona {
            None => row.update_expression("REMOVE persona"),
            Some(persona) => row
                .update_expression("SET persona = :persona")
                .expression_attribute_values(":persona", s(persona)),
        };
        row.send().await?;
        Ok(())
    }

    /// The head, read strongly.
    pub(super) async fn head(&self, of: &ConversationId) -> Result<Head, DynamoError> {
        let got = self
            .client
            .get_item()
            .table_name(&self.table)
            .key("id", s(head::id(of)))
            .consistent_read(true)
            .send()
            .await?;
        Ok(Head::of_item(got.item()))
    }

    /// The head that a further turn is stored under, read anew. A conversation without one may have rows
    /// of the article's bot, whose newest the turn must follow.
    pub(super) async fn head_to_follow(
        &self,
        of: &ConversationId,
        now: Timestamp,
    ) -> Result<Head, DynamoError> {
        let mut head = self.head(of).await?;
        if head.stored.is_none()
            && let Some(newest) = self.shown(of, 1, now).await?.first()
        {
            head.follows(&newest.created_at);
        }
        Ok(head)
    }
}

/// What a row says of its user.
fn usage(row: &Item) -> Usage {
    let told = row.get("told").and_then(|told| told.as_ss().ok()).map_or(&[][..], Vec::as_slice);
    Usage {
        answers: number(row, "answers").unwrap_or(0),
        tokens: number(row, "tokens").unwrap_or(0),
        told: told.iter().filter_map(|word| Limit::of_word(word)).collect(),
    }
}
