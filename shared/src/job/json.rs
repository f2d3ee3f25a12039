//! A job as JSON. The version of the job decides its form. From version 4 on the JSON names the kind of its
//! conversation (`chat`); in earlier versions the kind followed from the id. A job that is read is written back in its
//! own version, so that a redrive does not change it.

use serde::{Deserialize, Serialize};

use super::{
    id::{BareId, Chat, EventId, UserId},
    kind::JobKind,
};

/// The first version that names the kind of its conversation.
pub(super) const CHAT_SINCE_VERSION: u32 = 4;

/// The fields of a job, in the order in which they are written. See [`super::Job`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobJson {
    pub(super) v: u32,
    pub(super) event_id: EventId,
    /// The id without its kind, as in all versions, because tools search the JSON for it.
    pub(super) conversation: BareId,
    /// The kind of the conversation. It is absent for a private chat, and before version 4.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) chat: Option<Chat>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) speaker: Option<UserId>,
    #[serde(flatten)]
    pub(super) kind: JobKind,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) accepted_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) happened_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) reply_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) read_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) run: Option<String>,
}
