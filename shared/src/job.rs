//! The job: the only data that passes from *accept* to *answer*, as versioned JSON.
//!
//! A snapshot test fixes the JSON, because a deployment has old jobs in its queue. The JSON holds a person's words, so
//! it is never logged.

use serde::{Deserialize, Serialize};

use self::json::{CHAT_SINCE_VERSION, JobJson};
use crate::logging::place;

mod id;
mod json;
mod kind;

pub use id::{BadId, ConversationId, EventId, GroupId, MessageId, RoomId, UserId};
pub use kind::{Content, ImageSet, JobKind};

/// The version that this build writes, and the newest that it reads.
pub const VERSION: u32 = 5;

/// One LINE event that *answer* has to do something about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "JobJson", into = "JobJson")]
pub struct Job {
    /// The version of the job: [`VERSION`] in a job made by this build.
    pub v: u32,
    /// The id of the event. It is the key of the turn, so that the event is answered once.
    pub event_id: EventId,
    /// The conversation to which the answer goes and whose history it reads.
    pub conversation: ConversationId,
    /// The person who wrote, in a group or room, if LINE names the person. It is absent in a private chat.
    pub speaker: Option<UserId>,
    /// The thing that is asked for.
    pub kind: JobKind,
    /// The time when its webhook came in, in milliseconds since 1970 by the clock of *accept*. If LINE delivers a
    /// webhook again, the new time counts, because its reply token is valid anew, too. Jobs of version 1 do not have
    /// it.
    pub accepted_at: Option<i64>,
    /// The time of the event, in milliseconds since 1970 by LINE's clock: the event's `timestamp`.
    pub happened_at: Option<i64>,
    /// LINE's single-use reply token, which is valid for about a minute.
    pub reply_token: Option<String>,
    /// The token that marks the chat as read up to this message (LINE, "Mark messages as read").
    pub read_token: Option<String>,
    /// The id of the dead letter that was redriven, set by the redrive; `None` in the first run. Each run counts its
    /// attempts from zero.
    pub run: Option<String>,
}

/// The reason why the body of a queue message is not a job for this build.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A newer build wrote the job. The job must be kept until this build is replaced.
    #[error("the job has version {0}, and this build reads versions up to {VERSION}")]
    Newer(u32),
    /// No build of Henji wrote this. The text names the place of the error, never the content.
    #[error("not a job: {0}")]
    Unreadable(String),
}

impl Job {
    /// Makes a job of this build's version, with only the fields that every job has.
    pub fn new(event_id: EventId, conversation: ConversationId, kind: JobKind) -> Self {
        Self {
            v: VERSION,
            event_id,
            conversation,
            speaker: None,
            kind,
            accepted_at: None,
            happened_at: None,
            reply_token: None,
            read_token: None,
            run: None,
        }
    }

    /// Returns the queue's message group: the conversation, whose jobs are done in order. An unsend and an edit must
    /// not wait behind their message, and a forget must not wait behind the conversation, so each has a group of its
    /// own.
    pub fn group(&self) -> String {
        match &self.kind {
            JobKind::Unsend { message_id } => format!("unsend.{message_id}"),
            JobKind::Edited { message_id, .. } => format!("edit.{message_id}"),
            _ if self.forgets() => format!("forget.{}", self.event_id),
            _ => self.conversation.as_str().to_owned(),
        }
    }

    /// Whether the job forgets the conversation: it is a command to forget, or an unfollow.
    pub fn forgets(&self) -> bool {
        self.kind == JobKind::Unfollow || self.kind.is_forget()
    }

    /// Whether its conversation is a private chat: see [`ConversationId::is_private`].
    pub fn is_private(&self) -> bool {
        self.conversation.is_private()
    }

    /// Returns the id for which limits count: the speaker, else the conversation.
    pub fn user(&self) -> &str {
        self.speaker.as_ref().map_or(self.conversation.as_str(), UserId::as_str)
    }

    /// Returns the pseudonym of that user, which does not show who it is. It is that of the user's private chat.
    pub fn user_pseudonym(&self) -> uuid::Uuid {
        id::pseudonym(self.user())
    }

    /// Returns the time when it was said, in milliseconds since 1970: by LINE's clock, else by the clock of *accept*.
    pub fn at(&self) -> Option<i64> {
        self.happened_at.or(self.accepted_at)
    }

    /// Returns the same job without its words and the name of its file.
    #[must_use]
    pub fn without_words(&self) -> Self {
        let mut job = self.clone();
        if let JobKind::Question { content: Some(Content::File { name, .. }), .. } = &mut job.kind {
            name.clear();
        }
        if let JobKind::Question { text, .. } | JobKind::Edited { text, .. } = &mut job.kind {
            text.clear();
        }
        job
    }

    /// Returns the message that it quotes.
    pub fn quotes(&self) -> Option<&MessageId> {
        match &self.kind {
            JobKind::Question { quotes, .. } | JobKind::Edited { quotes, .. } => quotes.as_ref(),
            _ => None,
        }
    }

    /// Returns LINE's id of the message that must be answered.
    pub fn message_id(&self) -> Option<&MessageId> {
        match &self.kind {
            JobKind::Question { message_id, .. } => message_id.as_ref(),
            _ => None,
        }
    }

    /// Returns the token that an answer needs to quote the message.
    pub fn quote_token(&self) -> Option<&str> {
        match &self.kind {
            JobKind::Question { quote_token, .. } => quote_token.as_deref(),
            _ => None,
        }
    }

    /// Returns the body of a queue message. SQS refuses U+FFFE and U+FFFF, so both are escaped (AWS: `SendMessage`, "A
    /// message can include only XML, JSON, and unformatted text").
    pub fn encode(&self) -> String {
        serde_json::to_string(self)
            .unwrap_or_default()
            .replace('\u{fffe}', "\\ufffe")
            .replace('\u{ffff}', "\\uffff")
    }

    /// Reads the body of a queue message.
    pub fn decode(body: &str) -> Result<Self, JobError> {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        let unreadable = |e: serde_json::Error| JobError::Unreadable(place(&e));
        let Version { v } = serde_json::from_str(body).map_err(unreadable)?;
        match v {
            1..=VERSION => serde_json::from_str(body).map_err(unreadable),
            0 => Err(JobError::Unreadable("version 0 was never written".into())),
            newer => Err(JobError::Newer(newer)),
        }
    }
}

impl From<JobJson> for Job {
    fn from(json: JobJson) -> Self {
        let JobJson { v, event_id, conversation, chat, speaker, kind, .. } = json;
        let JobJson { accepted_at, happened_at, reply_token, read_token, run, .. } = json;
        let conversation = if v < CHAT_SINCE_VERSION {
            ConversationId::of_first_letter(conversation)
        } else {
            ConversationId::of_kind(chat, conversation)
        };
        Self {
            v,
            event_id,
            conversation,
            speaker,
            kind,
            accepted_at,
            happened_at,
            reply_token,
            read_token,
            run,
        }
    }
}

impl From<Job> for JobJson {
    fn from(job: Job) -> Self {
        let Job { v, event_id, conversation, speaker, kind, .. } = job;
        let Job { accepted_at, happened_at, reply_token, read_token, run, .. } = job;
        let (chat, conversation) = conversation.into_parts();
        let chat = chat.filter(|_| v >= CHAT_SINCE_VERSION);
        Self {
            v,
            event_id,
            conversation,
            chat,
            speaker,
            kind,
            accepted_at,
            happened_at,
            reply_token,
            read_token,
            run,
        }
    }
}

#[cfg(test)]
mod tests;
