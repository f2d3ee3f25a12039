//! A job as JSON, whose form its version decides. From version 4 on it names the kind of its conversation
//! (`chat`); before, the kind followed from the id. A job that is read is written back in its own version, so
//! that a redrive changes nothing of it.

use serde::{Deserialize, Serialize};

use super::{
    Ask, ConversationId, EventId, Job, UserId,
    id::{BareId, Chat},
};

/// The first version that names the kind of its conversation.
const NAMES_CHAT: u32 = 4;

/// The fields of a job, in the order in which they are written. See [`Job`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobJson {
    v: u32,
    event_id: EventId,
    /// The id alone, which tools of all versions look for.
    conversation: BareId,
    /// Absent for a user's private chat, and before version 4.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    chat: Option<Chat>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    speaker: Option<UserId>,
    #[serde(flatten)]
    ask: Ask,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    accepted_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    happened_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reply_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    run: Option<String>,
}

impl From<JobJson> for Job {
    fn from(json: JobJson) -> Self {
        let JobJson { v, event_id, conversation, chat, speaker, ask, .. } = json;
        let JobJson { accepted_at, happened_at, reply_token, run, .. } = json;
        let conversation = if v < NAMES_CHAT {
            ConversationId::of_first_letter(conversation)
        } else {
            ConversationId::of_kind(chat, conversation)
        };
        Self { v, event_id, conversation, speaker, ask, accepted_at, happened_at, reply_token, run }
    }
}

impl From<Job> for JobJson {
    fn from(job: Job) -> Self {
        let Job { v, event_id, conversation, speaker, ask, accepted_at, happened_at, reply_token, run } = job;
        let (chat, conversation) = conversation.into_parts();
        let chat = chat.filter(|_| v >= NAMES_CHAT);
        Self { v, event_id, conversation, chat, speaker, ask, accepted_at, happened_at, reply_token, run }
    }
}
