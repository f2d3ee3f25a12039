//! The names that cross with a job, each checked once, where it is made.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Namespace of every UUIDv5 that Henji derives (event ids, row ids, retry keys). Changing it would
/// answer old events twice.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a1d_2f0e_8b5c_5e47_9d3a_4c1b_7e90_52f6);

/// A text that cannot be an identifier.
#[derive(Debug, thiserror::Error)]
#[error("an id is 1 to {0} printable ASCII characters that mean nothing in an address")]
pub struct BadId(usize);

/// Whether a text is one segment of a path wherever it is put into an address.
fn is_segment(id: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"/\\?#%".contains(&b);
    id.bytes().all(is_plain) && ![".", ".."].contains(&id)
}

/// A newtype of a text of so many printable ASCII characters at most.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(id: String) -> Result<Self, BadId> {
                let fits = (1..=$max).contains(&id.len()) && is_segment(&id);
                if fits { Ok(Self(id)) } else { Err(BadId($max)) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// A user, group or room of LINE: the queue's message group and the history's key. SQS allows 128
    /// characters for group and deduplication ids.
    ConversationId, 128
}

id! {
    /// A person, as LINE names them to this bot.
    UserId, 128
}

id! {
    /// The id of one event, unique for ever: LINE's `webhookEventId`, or derived where that is missing. A
    /// letter's id is `{event id}:{MessageId}`, a redriven job's `{event id}:r:{MessageId}`: 39 more.
    EventId, 80
}

id! {
    /// LINE's id of a message. With `unsend.` or `edit.` before it, it is a message group.
    MessageId, 100
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

    /// The id of a further job of the same event.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> Self {
        Self(self.derive(purpose).to_string())
    }

    /// A UUIDv5 of this event and a purpose: row ids and retry keys.
    pub fn derive(&self, purpose: &str) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{}/{purpose}", self.0).as_bytes())
    }
}

impl ConversationId {
    /// A UUIDv5 that tells conversations apart where nobody need know whose they are.
    pub fn pseudonym(&self) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("conversation/{}", self.0).as_bytes())
    }
}
