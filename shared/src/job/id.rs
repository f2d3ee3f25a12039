//! The ids in a job. Each is checked once, when it is made.

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// The namespace of every UUIDv5 that Henji derives (event ids, row ids, retry keys). With another namespace, old
/// events would be answered twice.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a1d_2f0e_8b5c_5e47_9d3a_4c1b_7e90_52f6);

/// The error for a text that cannot be an id.
#[derive(Debug, thiserror::Error)]
#[error("an id is 1 to {0} printable ASCII characters that mean nothing in an address")]
pub struct BadId(usize);

/// Whether a text is exactly one segment of the path in each address that contains it.
fn is_segment(id: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"/\\?#%".contains(&b);
    id.bytes().all(is_plain) && ![".", ".."].contains(&id)
}

/// Defines a type for a text of at most so many printable ASCII characters.
macro_rules! id {
    ($(#[$doc:meta])* $visibility:vis $name:ident, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        $visibility struct $name(String);

        impl $name {
            /// Returns the id as text.
            $visibility fn as_str(&self) -> &str {
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
    /// The id of a conversation without its kind, as a job's JSON holds it.
    pub(super) BareId, 128
}

id! {
    /// The id of a person, as LINE gives it to this bot.
    pub UserId, 128
}

id! {
    /// The id of a group chat.
    pub GroupId, 128
}

id! {
    /// The id of a chat of several people that is not a group: LINE's *room*, or *multi-person chat*.
    pub RoomId, 128
}

id! {
    /// The id of one event, which is unique for ever: LINE's `webhookEventId`, or a derived id if that is missing. The
    /// id of a letter is `{event id}:{MessageId}`, and that of a redriven job is `{event id}:r:{MessageId}`: 39
    /// characters more.
    pub EventId, 80
}

id! {
    /// LINE's id of a message. With `unsend.` or `edit.` before it, it is a message group of the queue.
    pub MessageId, 100
}

impl EventId {
    /// Returns the event's own id, if it is valid; else a UUIDv5 of that id, of the message's id, or of the event's
    /// bytes, whichever comes first. So the same event always gets the same id.
    pub fn of_event(webhook_event_id: Option<&str>, message_id: Option<&str>, event: &[u8]) -> Self {
        if let Some(id) = webhook_event_id.and_then(|id| Self::try_from(id.to_owned()).ok()) {
            return id;
        }
        let mut names = [webhook_event_id, message_id].into_iter().flatten();
        let name = names.find(|id| !id.is_empty()).map_or(event, str::as_bytes);
        Self(Uuid::new_v5(&NAMESPACE, name).to_string())
    }

    /// Returns the id of a further job of the same event.
    #[must_use]
    pub fn derived(&self, purpose: &str) -> Self {
        Self(self.derive(purpose).to_string())
    }

    /// Returns a UUIDv5 of this event and a purpose, for row ids and retry keys.
    pub fn derive(&self, purpose: &str) -> Uuid {
        Uuid::new_v5(&NAMESPACE, format!("{}/{purpose}", self.0).as_bytes())
    }
}

/// A conversation, of the kind that LINE's webhook names: the private chat of a user with the bot, a group,
/// or a room. Its id is the queue's message group and the history's key. SQS allows 128 characters for group
/// and deduplication ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConversationId {
    /// The private chat of this person with the bot.
    User(UserId),
    /// A group chat.
    Group(GroupId),
    /// A room.
    Room(RoomId),
}

impl ConversationId {
    /// Returns the conversation of an id whose kind nobody recorded: an operator types it, or a job before version 4
    /// holds it. The kind follows from the first letter. In all of LINE's documentation a group's id begins with C, a
    /// room's with R and a user's with U, although LINE promises this for users only (LINE, "Webhook Event Objects"). A
    /// webhook names the kind, so its conversations are never made by this function.
    pub fn of_known_id(id: String) -> Result<Self, BadId> {
        Ok(Self::of_first_letter(BareId::try_from(id)?))
    }

    /// Returns the conversation of an id by its first letter: see [`Self::of_known_id`].
    pub(super) fn of_first_letter(id: BareId) -> Self {
        let chat = match id.as_str().as_bytes() {
            [b'C' | b'c', ..] => Some(Chat::Group),
            [b'R' | b'r', ..] => Some(Chat::Room),
            _ => None,
        };
        Self::of_kind(chat, id)
    }

    /// Returns the conversation of a job from version 4 on.
    pub(super) fn of_kind(chat: Option<Chat>, BareId(id): BareId) -> Self {
        match chat {
            None => Self::User(UserId(id)),
            Some(Chat::Group) => Self::Group(GroupId(id)),
            Some(Chat::Room) => Self::Room(RoomId(id)),
        }
    }

    /// Returns the id and the kind, as a job's JSON holds them.
    pub(super) fn into_parts(self) -> (Option<Chat>, BareId) {
        match self {
            Self::User(UserId(id)) => (None, BareId(id)),
            Self::Group(GroupId(id)) => (Some(Chat::Group), BareId(id)),
            Self::Room(RoomId(id)) => (Some(Chat::Room), BareId(id)),
        }
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        let (Self::User(UserId(id)) | Self::Group(GroupId(id)) | Self::Room(RoomId(id))) = self;
        id
    }

    /// Whether this is the chat of one person with the bot. Only such a chat has profiles and animations, and
    /// everything in it is said to the bot.
    pub fn is_private(&self) -> bool {
        matches!(self, Self::User(_))
    }

    /// Returns a UUIDv5 that distinguishes conversations for readers who need not know whose they are.
    pub fn pseudonym(&self) -> Uuid {
        pseudonym(self.as_str())
    }
}

/// Returns the pseudonym of a conversation or a person with this id.
pub(super) fn pseudonym(id: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("conversation/{id}").as_bytes())
}

impl std::fmt::Display for ConversationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes the bare id, for logs and records.
impl Serialize for ConversationId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The kind of a conversation in a job's JSON, if it is not a private chat.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Chat {
    Group,
    Room,
}
