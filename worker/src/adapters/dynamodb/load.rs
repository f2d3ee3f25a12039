//! Reading a conversation: most rows come from the index, and the head adds the rows that the index does not show yet.

use jiff::Timestamp;
use shared::job::{ConversationId, Job};

use super::{
    error::DynamoError,
    group,
    head::{self, Head},
    item::{Item, n, number, s, text},
    message_row::Row,
    table::DynamoHistory,
    turn, unanswered, unsent,
};
use crate::{
    history::{ConversationChanges, Limit, Period, Snapshot, SnapshotScope, Stage, Usage},
    rules::{file::SentFile, sent_image::LastImages},
};

/// Returns the key of a conversation's settings.
pub(super) fn settings_id(of: &ConversationId) -> String {
    format!("settings#{of}")
}

/// Returns the key of a user's usage.
pub(super) fn usage_id(user: &str, period: Period) -> String {
    format!("usage#{user}#{period}")
}

impl DynamoHistory {
    /// Reads the snapshot for a turn that begins: one query reads the index, and beside it one call reads all other
    /// rows.
    pub(super) async fn snapshot(
        &self,
        job: &Job,
        SnapshotScope { limit, period }: SnapshotScope,
        now: Timestamp,
    ) -> Result<Snapshot, DynamoError> {
        let (of, limit) = (&job.conversation, limit as usize);
        let keys = ChangeKeys::of(job);
        let [settings, unanswered, used] =
            [settings_id(of), unanswered::id(of), usage_id(job.user(), period)];
        let ids = keys.ids().chain([&settings, &unanswered, &used]).cloned().collect();
        let (mut rows, known) = tokio::try_join!(self.shown(of, limit, now), self.items(ids))?;
        let known = |id: &String| known.iter().find(|item| text(item, "id") == Some(id));

        let mut head = Head::of_item(known(&keys.head));
        if let Some(newest) = rows.first() {
            head.follows(&newest.created_at);
        }
        rows.retain(|row| !head.hides(row));
        let missing = if limit == 0 { vec![] } else { head.missing(&rows, limit, now, self.ttl) };
        let snapshot = Snapshot {
            last: head.last,
            newest: head.newest().cloned(),
            persona: known(&settings).and_then(|row| text(row, "persona")).map(ToOwned::to_owned),
            used: known(&used).map(usage).unwrap_or_default(),
            unanswered: known(&unanswered).and_then(|row| unanswered::of_item(row, head.last_said(), now)),
            answer_waits: known(&unanswered).is_some_and(|row| unanswered::waits(row, head.last_said(), now)),
            window: head.window.clone(),
            changes: keys.changes(job, &head, known, now),
            file: None,
            images: LastImages::default(),
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
        let (mut file, mut images) = (None, LastImages::default());
        for row in &rows {
            let Some(message) = &row.message else { continue };
            let id = || row.message_id.clone();
            file = file.or_else(|| SentFile::of(message, id, row.said_at));
            images.add(message, row.image_set.as_deref(), id, row.said_at);
        }
        let said = rows.into_iter().rev().filter_map(|row| Some((row.message?, row.created_at)));
        let (messages, times) = said.unzip();
        Ok(Snapshot { messages, times, file, images, ..snapshot })
    }

    /// Reads the conversation changes, by one call.
    pub(super) async fn changes(
        &self,
        job: &Job,
        now: Timestamp,
    ) -> Result<ConversationChanges, DynamoError> {
        let (keys, turn) = (ChangeKeys::of(job), turn::id(&job.event_id));
        let known = self.items(keys.ids().chain([&turn]).cloned().collect()).await?;
        let known = |id: &String| known.iter().find(|item| text(item, "id") == Some(id));
        let stage = known(&turn).map(turn::stage).unwrap_or_default();
        let head = Head::of_item(known(&keys.head));
        Ok(ConversationChanges { stage, ..keys.changes(job, &head, known, now) })
    }

    /// Keeps a persona, or removes it.
    pub(super) async fn keep_persona(
        &self,
        of: &ConversationId,
        persona: Option<String>,
        said_at: Option<i64>,
    ) -> Result<(), DynamoError> {
        let row = self.client.update_item().table_name(&self.table).key("id", s(settings_id(of)));
        let row = match persona {
            None => row.update_expression("REMOVE persona"),
            Some(persona) => row
                .update_expression("SET persona = :persona, saidAt = :saidAt")
                .expression_attribute_values(":persona", s(persona))
                .expression_attribute_values(":saidAt", n(said_at.unwrap_or(i64::MIN))),
        };
        row.send().await?;
        Ok(())
    }

    /// Reads the head with strong consistency.
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

    /// Reads the head anew, so that a further turn can be stored under it. A conversation without a head may have rows
    /// of the article's bot, and the turn must come after the newest of them.
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

/// The keys of the rows that hold the conversation changes.
struct ChangeKeys {
    head: String,
    unsent: Option<String>,
    /// The key of the row about the job's message; only in a group.
    said: Option<String>,
    /// The key of the row which shows that the quoted message is the bot's own; only in a group.
    own: Option<String>,
}

impl ChangeKeys {
    fn of(job: &Job) -> Self {
        let in_group = !job.is_private();
        Self {
            head: head::id(&job.conversation),
            unsent: job.message_id().map(unsent::id),
            said: job.message_id().filter(|_| in_group).map(group::said_id),
            own: job.quotes().filter(|_| in_group).map(group::own_id),
        }
    }

    fn ids(&self) -> impl Iterator<Item = &String> {
        [&self.head].into_iter().chain(&self.unsent).chain(&self.said).chain(&self.own)
    }

    /// Returns the changes that the rows show. The turn's own stage is not among them.
    fn changes<'a>(
        &self,
        job: &Job,
        head: &Head,
        known: impl Fn(&String) -> Option<&'a Item>,
        now: Timestamp,
    ) -> ConversationChanges {
        let said = self.said.as_ref().and_then(&known);
        ConversationChanges {
            stage: Stage::Open,
            unsent: self.unsent.as_ref().and_then(&known).is_some(),
            others: head.others(&job.event_id),
            forgotten: head.forgotten,
            pause: head.pause,
            edit: said.and_then(|row| group::edit(row, now)),
            answered_by: said.and_then(group::answered_by),
            quotes_own: self.own.as_ref().and_then(&known).is_some(),
        }
    }
}

/// Reads the usage of a user from a row.
fn usage(row: &Item) -> Usage {
    let told = row.get("told").and_then(|told| told.as_ss().ok()).map_or(&[][..], Vec::as_slice);
    Usage {
        answers: number(row, "answers").unwrap_or(0),
        tokens: number(row, "tokens").unwrap_or(0),
        told: told.iter().filter_map(|word| Limit::of_word(word)).collect(),
    }
}
