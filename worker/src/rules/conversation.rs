//! The messages of a conversation, with their roles and speakers. Pure.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::message_kind::MessageKind;

/// The author of a message, in the words of the chat-completions API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The operator's instruction. It is never stored.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// Returns the word in the table and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    /// Returns the role of a stored row. A row with another role is not part of a conversation.
    pub fn of_row(word: &str) -> Option<Self> {
        match word {
            "user" => Some(Self::User),
            "assistant" => Some(Self::Assistant),
            _ => None,
        }
    }
}

/// One message of a conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The role of the author.
    pub role: Role,
    /// The words of the message. They are never logged.
    pub content: String,
    /// The kind of the message. The model gets only the words.
    #[serde(skip)]
    pub kind: MessageKind,
    /// In a group: the name of the person who wrote the message, if it is known. It is never logged.
    #[serde(skip)]
    pub speaker: Option<String>,
}

impl Message {
    /// Returns the message as the model gets it: with the speaker's name before the words, if the name is known.
    #[must_use]
    pub fn named(mut self) -> Self {
        self.content = by(self.speaker.as_deref(), &self.content);
        self
    }
}

/// Returns the words with their speaker's name before them.
pub fn by(speaker: Option<&str>, words: &str) -> String {
    speaker.map_or_else(|| words.to_owned(), |name| format!("{name}: {words}"))
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{} bytes", self.role.as_str(), self.content.len())
    }
}

/// Returns the `createdAt` of a conversation's next row. It is strictly after that of the row before, even if the clock
/// stops or goes back.
pub fn stamp(now: Timestamp, last: Option<Timestamp>) -> Timestamp {
    let tick = SignedDuration::from_micros(1);
    last.map_or(now, |last| last.checked_add(tick).unwrap_or(last).max(now))
}

/// Formats a `createdAt` as it is stored: RFC 3339 in UTC, always with six fractional digits and `Z`, so that the order
/// of the texts is the order in time.
pub fn rfc3339(at: Timestamp) -> String {
    format!("{at:.6}")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn stamps_never_repeat_even_when_the_clock_stands_or_goes_back() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let question = stamp(now, None);
        let answer = stamp(now, Some(question));
        assert_eq!(rfc3339(question), "2026-01-02T03:04:05.000000Z");
        assert_eq!(rfc3339(answer), "2026-01-02T03:04:05.000001Z");
        let hour_back = now - SignedDuration::from_hours(1);
        assert_eq!(rfc3339(stamp(hour_back, Some(answer))), "2026-01-02T03:04:05.000002Z");
    }
    #[test]
    fn a_row_and_a_request_have_the_same_word_for_who_speaks_and_no_row_is_the_operators() {
        for (role, word, of_row) in [
            (Role::System, "system", None),
            (Role::User, "user", Some(Role::User)),
            (Role::Assistant, "assistant", Some(Role::Assistant)),
        ] {
            assert_eq!((role.as_str(), serde_json::to_value(role).unwrap()), (word, word.into()));
            assert_eq!(Role::of_row(word), of_row);
        }
        assert_eq!(Role::of_row("tool"), None);
    }

    #[test]
    fn a_message_names_who_said_it_where_that_is_known_and_prints_no_word_of_it() {
        for (speaker, given) in [(None, "hello"), (Some("Ren"), "Ren: hello")] {
            let (content, speaker) = ("hello".to_owned(), speaker.map(str::to_owned));
            let message = Message { role: Role::User, content, kind: MessageKind::Text, speaker };
            assert_eq!(format!("{message:?}"), "user:5 bytes");
            assert_eq!(message.named().content, given);
        }
    }
}
