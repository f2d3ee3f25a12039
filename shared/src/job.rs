//! The job: the one thing that crosses from *accept* to *answer*, as versioned JSON.
//!
//! The JSON is pinned by a snapshot test, because a deployment has old jobs in its queue. It holds
//! what a person wrote, so it never goes into a log.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::logging::place;

/// Namespace of every UUIDv5 that Henji derives (event ids, row ids, retry keys). Changing it would
/// answer old events twice.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x6a1d_2f0e_8b5c_5e47_9d3a_4c1b_7e90_52f6);

/// The version that this build writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// One LINE event that wants an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Always [`VERSION`] in a job made by this build.
    pub v: u32,
    /// The key under which the turn is answered once.
    pub event_id: EventId,
    /// Where the answer goes, and whose history it reads.
    pub conversation: ConversationId,
    /// What is wanted.
    #[serde(flatten)]
    pub ask: Ask,
    /// LINE's single-use reply token, good for about a minute.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reply_token: Option<String>,
    /// Set by a redrive to the id of the dead letter: attempts are counted anew for each run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<String>,
}

/// What a job asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Ask {
    /// A text for the model.
    Question {
        /// What the person wrote.
        text: String,
    },
    /// A message of a kind that is not understood: one polite notice by the free reply token.
    NotUnderstood,
}

/// Why a queue's body is not a job for this build.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Written by a newer build: to be kept until this one is replaced.
    #[error("the job has version {0}, newer than the {VERSION} that this build reads")]
    Newer(u32),
    /// No build of Henji wrote this. The text names the place, never the content.
    #[error("not a job: {0}")]
    Unreadable(String),
}

impl Job {
    /// The queue's body. SQS refuses U+FFFE and U+FFFF, so both are escaped (AWS: `SendMessage`,
    /// "A message can include only XML, JSON, and unformatted text").
    pub fn encode(&self) -> String {
        serde_json::to_string(self)
            .unwrap_or_default()
            .replace('\u{fffe}', "\\ufffe")
            .replace('\u{ffff}', "\\uffff")
    }

    /// Reads a queue's body.
    pub fn decode(body: &str) -> Result<Self, JobError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let unreadable = |e: serde_json::Error| JobError::Unreadable(place(&e));
        let Version { v } = serde_json::from_str(body).map_err(unreadable)?;
        match v {
            VERSION => serde_json::from_str(body).map_err(unreadable),
            0 => Err(JobError::Unreadable("version 0 was never written".into())),
            newer => Err(JobError::Newer(newer)),
        }
    }
}

/// A user, group or room of LINE: the queue's message group and the history's key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConversationId(String);

/// The id of one event, unique for ever: LINE's `webhookEventId`, or derived where that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId(String);

/// A text that cannot be an identifier.
#[derive(Debug, thiserror::Error)]
#[error("an id is 1 to {0} printable ASCII characters")]
pub struct BadId(usize);

/// SQS allows 128 characters for group and deduplication ids.
const CONVERSATION_MAX: usize = 128;
/// A letter's id is `{event id}:{MessageId}`, a redriven job's `{event id}:r:{MessageId}`: 39 more.
const EVENT_MAX: usize = 80;

fn check(id: String, max: usize) -> Result<String, BadId> {
    let fits = (1..=max).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(id) } else { Err(BadId(max)) }
}

impl ConversationId {
    /// The id as LINE wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl EventId {
    /// The event's own id; else a UUIDv5 of the message's id, else of the event's bytes, so that the
    /// same event always gets the same one.
    pub fn of_event(webhook_event_id: Option<&str>, message_id: Option<&str>, event: &[u8]) -> Self {
        if let Some(id) = webhook_event_id.and_then(|id| Self::try_from(id.to_owned()).ok()) {
            return id;
        }
        let mut names = [webhook_event_id, message_id].into_iter().flatten();
        let name = names.find(|id| !id.is_empty()).map_or(event, str::as_bytes);
        Self(Uuid::new_v5(&NAMESPACE, name).to_string())
    }

    /// A UUIDv5 of this event and a purpose: row ids and retry keys.
    pub fn derive(&self, purpose: &str) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{}/{purpose}", self.0).as_bytes())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ConversationId {
    type Error = BadId;
    fn try_from(id: String) -> Result<Self, BadId> {
        check(id, CONVERSATION_MAX).map(Self)
    }
}

impl TryFrom<String> for EventId {
    type Error = BadId;
    fn try_from(id: String) -> Result<Self, BadId> {
        check(id, EVENT_MAX).map(Self)
    }
}

impl From<ConversationId> for String {
    fn from(id: ConversationId) -> Self {
        id.0
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.0
    }
}

impl std::fmt::Display for ConversationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Display for EventId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
