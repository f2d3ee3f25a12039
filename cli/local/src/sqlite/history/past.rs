//! The state of a conversation and its user when a turn begins.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use shared::job::{ConversationId, EventId, Job, MessageId};
use worker::{
    history::{
        ConversationChanges, ForgetMarker, Limit, Pause, Period, Snapshot, SnapshotScope, Stage, TurnRef,
        Unanswered, Usage, WindowStart,
    },
    rules::conversation::{Message, Role, rfc3339},
    rules::file::SentFile,
    rules::message_kind::MessageKind,
    rules::sent_image::LastImages,
};

use super::group;

pub(super) fn load(db: &Connection, job: &Job, scope: SnapshotScope, now: i64) -> rusqlite::Result<Snapshot> {
    let of = &job.conversation;
    let Conversation { persona, window, forgotten, pause } = conversation(db, of)?;
    let (last, newest) = newest(db, of)?;
    let Messages { said, file, images } = messages(db, of, scope.limit, now)?;
    let (messages, times) = said.into_iter().unzip();
    let (unanswered, answer_waits) = unanswered(db, of, now)?;
    Ok(Snapshot {
        file,
        images,
        changes: changes_with(db, job, forgotten, pause, now)?,
        messages,
        times,
        window,
        last: last.max(forgotten.map(|mark| mark.through)),
        newest,
        persona,
        used: usage(db, job.user(), scope.period)?,
        unanswered,
        answer_waits,
    })
}

/// Returns the conversation changes. The turn's own stage is not among them.
pub(super) fn changes(db: &Connection, job: &Job, now: i64) -> rusqlite::Result<ConversationChanges> {
    let Conversation { forgotten, pause, .. } = conversation(db, &job.conversation)?;
    changes_with(db, job, forgotten, pause, now)
}

fn changes_with(
    db: &Connection,
    job: &Job,
    forgotten: Option<ForgetMarker>,
    pause: Option<Pause>,
    now: i64,
) -> rusqlite::Result<ConversationChanges> {
    let in_group = !job.is_private();
    let said =
        job.message_id().filter(|_| in_group).map(|id| group::known(db, id, 1000 * now)).transpose()?;
    let (edit, answered_by) = said.unwrap_or_default();
    let own = job.quotes().filter(|_| in_group).map(|id| group::is_own(db, id)).transpose()?;
    Ok(ConversationChanges {
        stage: Stage::Open,
        unsent: group::is_unsent(db, job.message_id())?,
        others: others(db, &job.event_id)?,
        forgotten,
        pause,
        edit,
        answered_by,
        quotes_own: own.unwrap_or(false),
    })
}

/// The newest messages of a conversation.
#[derive(Default)]
struct Messages {
    /// The messages, oldest first, each with the time when it was stored.
    said: Vec<(Message, String)>,
    /// The newest file among them.
    file: Option<SentFile>,
    /// The last images among them.
    images: LastImages,
}

/// Returns the newest messages.
fn messages(db: &Connection, of: &ConversationId, limit: u32, now: i64) -> rusqlite::Result<Messages> {
    let mut newest = db.prepare_cached(
        "SELECT role, content, created_at, speaker, kind, message_id, said_at, image_set FROM messages
         WHERE conversation = ?1 AND (expires_at IS NULL OR expires_at > ?2)
         ORDER BY created_at DESC LIMIT ?3",
    )?;
    let mut all = Messages::default();
    let mut rows = newest.query(params![of.as_str(), now, limit])?;
    while let Some(row) = rows.next()? {
        let Some(role) = Role::of_row(row.get_ref(0)?.as_str()?) else { continue };
        let content: String = row.get(1)?;
        let kind = MessageKind::of_row(row.get_ref(4)?.as_str_or_null()?, &content);
        let message = Message { role, content, kind, speaker: row.get(3)? };
        let (id, said_at) = (row.get_ref(5)?.as_str_or_null()?, row.get(6)?);
        let id = || id?.to_owned().try_into().ok();
        if all.file.is_none() {
            all.file = SentFile::of(&message, id, said_at);
        }
        all.images.add(&message, row.get_ref(7)?.as_str_or_null()?, id, said_at);
        all.said.push((message, row.get(2)?));
    }
    all.said.reverse();
    Ok(all)
}

/// Returns the `createdAt` of the newest message, and its turn.
fn newest(db: &Connection, of: &ConversationId) -> rusqlite::Result<(Option<Timestamp>, Option<TurnRef>)> {
    let mut newest = db.prepare_cached(
        "SELECT created_at, event_id, message_id FROM messages WHERE conversation = ?1
         ORDER BY created_at DESC LIMIT 1",
    )?;
    let row = newest.query_row([of.as_str()], |row| {
        let (event, message_id): (Option<String>, Option<String>) = (row.get(1)?, row.get(2)?);
        let event = event.and_then(|event| event.try_into().ok());
        let message_id = message_id.and_then(|id| id.try_into().ok());
        let at = row.get_ref(0)?.as_str()?.parse().ok();
        Ok((at, event.map(|event| TurnRef { event, message_id })))
    });
    Ok(row.optional()?.unwrap_or_default())
}

/// Returns the unanswered question: the newest one, if its user was notified that there will be no answer. The bool says
/// instead that the newest answer waits.
fn unanswered(
    db: &Connection,
    of: &ConversationId,
    now: i64,
) -> rusqlite::Result<(Option<Unanswered>, bool)> {
    let mut kept = db.prepare_cached(
        "SELECT event_id, message_id, question, speaker, kind, waits, said_at, image_set, asked_with FROM unanswered WHERE conversation = ?1 AND expires_at > ?2",
    )?;
    let row = kept.query_row(params![of.as_str(), now], |row| {
        if row.get("waits")? {
            return Ok((None, true));
        }
        let question: String = row.get("question")?;
        let kind = MessageKind::of_row(row.get_ref("kind")?.as_str_or_null()?, &question);
        let Ok(event) = row.get::<_, String>("event_id")?.try_into() else { return Ok((None, false)) };
        let message_id = row.get::<_, Option<String>>("message_id")?.and_then(|id| id.try_into().ok());
        let unanswered = Unanswered {
            turn: TurnRef { event, message_id },
            question,
            kind,
            speaker: row.get("speaker")?,
            said_at: row.get("said_at")?,
            image_set: row.get("image_set")?,
            asked_with: row.get::<_, Option<String>>("asked_with")?.map_or(vec![], |ids| ids_of(&ids)),
        };
        Ok((Some(unanswered), false))
    });
    Ok(row.optional()?.unwrap_or_default())
}

/// Reads a JSON array of message ids.
fn ids_of(json: &str) -> Vec<MessageId> {
    let ids: Vec<String> = serde_json::from_str(json).unwrap_or_default();
    ids.into_iter().filter_map(|id| id.try_into().ok()).collect()
}

/// Returns the `createdAt` that the next row must come after, in a conversation that is forgotten up to this time.
pub(super) fn last(
    db: &Connection,
    of: &ConversationId,
    forgotten: Option<ForgetMarker>,
) -> rusqlite::Result<Option<Timestamp>> {
    Ok(newest(db, of)?.0.max(forgotten.map(|mark| mark.through)))
}

/// The row of a conversation.
#[derive(Default)]
pub(super) struct Conversation {
    persona: Option<String>,
    /// The start of the window.
    window: Option<WindowStart>,
    /// The time up to which it is forgotten.
    pub(super) forgotten: Option<ForgetMarker>,
    /// The newest pause.
    pub(super) pause: Option<Pause>,
}

/// Returns what the row of a conversation holds.
pub(super) fn conversation(db: &Connection, of: &ConversationId) -> rusqlite::Result<Conversation> {
    let mut select = db.prepare_cached(
        "SELECT persona, memory_after, memory_within, forgotten_through, coalesce(forgotten_said, forgotten_at),
             paused_since, paused_until, staff_told
         FROM conversations WHERE conversation = ?1",
    )?;
    let row = select.query_row([of.as_str()], |row| {
        let window = match row.get(1)? {
            Some(after) => Some(WindowStart { after, within: row.get(2)? }),
            None => None,
        };
        let forgotten = match row.get_ref(3)?.as_str_or_null()?.and_then(|through| through.parse().ok()) {
            Some(through) => Some(ForgetMarker { through, said_until: row.get(4)? }),
            None => None,
        };
        let pause = match row.get(5)? {
            Some(since) => Some(Pause { since, until: row.get(6)?, staff_told: row.get(7)? }),
            None => None,
        };
        Ok(Conversation { persona: row.get(0)?, window, forgotten, pause })
    });
    Ok(row.optional()?.unwrap_or_default())
}

/// Returns the time up to which a conversation is forgotten.
pub(super) fn mark(db: &Connection, of: &ConversationId) -> rusqlite::Result<Option<ForgetMarker>> {
    Ok(conversation(db, of)?.forgotten)
}

/// Moves the start of the window.
pub(super) fn set_window(db: &Connection, of: &ConversationId, new: WindowStart) -> rusqlite::Result<()> {
    let WindowStart { after, within } = new.following(conversation(db, of)?.window.as_ref());
    db.prepare_cached(
        "INSERT INTO conversations (conversation, memory_after, memory_within) VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET memory_after = ?2, memory_within = ?3",
    )?
    .execute(params![of.as_str(), after, within])?;
    Ok(())
}

/// Sets the forget marker.
pub(super) fn set_mark(
    db: &Connection,
    of: &ConversationId,
    mark: ForgetMarker,
    now: Timestamp,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO conversations (conversation, forgotten_through, forgotten_at, forgotten_said) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET forgotten_through = ?2, forgotten_at = ?3, forgotten_said = ?4,
             memory_after = NULL, memory_within = NULL",
    )?
    .execute(params![of.as_str(), rfc3339(mark.through), now.as_millisecond(), mark.said_until])?;
    Ok(())
}

/// Returns the number of questions of other turns that have the answer of this turn.
pub(super) fn others(db: &Connection, event: &EventId) -> rusqlite::Result<u32> {
    db.prepare_cached("SELECT count(*) FROM messages WHERE answered_by = ?1")?
        .query_row([event.as_str()], |row| row.get(0))
}

/// Returns the usage of a user in a period.
pub(super) fn usage(db: &Connection, user: &str, period: Period) -> rusqlite::Result<Usage> {
    let row = db
        .prepare_cached("SELECT answers, tokens, told FROM usage WHERE user = ?1 AND period = ?2")?
        .query_row(params![user, period.to_string()], |row| {
            let told: String = row.get("told")?;
            Ok(Usage {
                answers: row.get("answers")?,
                tokens: u64::try_from(row.get::<_, i64>("tokens")?).unwrap_or(0),
                told: told.split_whitespace().filter_map(Limit::of_word).collect(),
            })
        })
        .optional()?;
    Ok(row.unwrap_or_default())
}
