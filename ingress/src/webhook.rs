//! Reads LINE's webhook tolerantly, because fields come and go without notice (LINE, "Development guidelines"). Only an
//! object with an `events` array is required, and one odd event does not affect the others. `triage` is the one place
//! that decides which events become jobs. Pure.

use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{
    command::Command,
    job::{ConversationId, EventId, Job, JobKind, MessageId},
    prefix::Prefix,
};

mod calling;
mod emoji;
mod lenient;
mod message;
mod utf16;
mod verdict;

use lenient::{Lossy, lenient};
use message::Message;

pub use verdict::Verdict;

/// The error for a body that is not a webhook.
#[derive(Debug, thiserror::Error)]
#[error("the body is not a JSON object with an `events` array")]
pub struct NotAWebhook;

/// Returns the verdicts on the events of a webhook that came in at `now`, in milliseconds since 1970. Each event is
/// judged by itself, and most events have one verdict. `prefix` calls the bot in groups.
pub fn parse(body: &[u8], prefix: Option<&Prefix>, now: i64) -> Result<Vec<Verdict>, NotAWebhook> {
    #[derive(Deserialize)]
    struct Webhook<'a> {
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
    }
    let text = std::str::from_utf8(body).map_err(|_| NotAWebhook)?;
    // serde would also read a struct from an array.
    if !text.trim_start().starts_with('{') {
        return Err(NotAWebhook);
    }
    let webhook: Webhook<'_> = serde_json::from_str(text).map_err(|_| NotAWebhook)?;
    let mut verdicts = Vec::with_capacity(webhook.events.len());
    for raw in webhook.events {
        match judge(raw, prefix, now) {
            Ok(jobs) => verdicts.extend(jobs.into_iter().map(|job| Verdict::Job(Box::new(job)))),
            Err(verdict) => verdicts.push(verdict),
        }
    }
    Ok(verdicts)
}

fn judge(raw: &RawValue, prefix: Option<&Prefix>, now: i64) -> Result<Vec<Job>, Verdict> {
    if !raw.get().starts_with('{') {
        return Err(Verdict::Odd("the event is not an object"));
    }
    let event = serde_json::from_str(raw.get());
    let event = event.map_err(|_| Verdict::Odd("a field of the event has an unknown form"))?;
    triage(event, raw.get().as_bytes(), prefix, now)
}

/// One event, with only the fields that Henji reads (LINE, "Webhook Event Objects").
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookEvent {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    mode: Option<String>,
    #[serde(default, rename = "webhookEventId", deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    reply_token: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    timestamp: Option<i64>,
    source: Option<Source>,
    message: Option<Message>,
    unsend: Option<Unsend>,
    #[serde(default, deserialize_with = "lenient")]
    follow: Option<Follow>,
    #[serde(default, deserialize_with = "lenient")]
    postback: Option<Postback>,
}

#[derive(Deserialize)]
struct Postback {
    data: Lossy,
}

impl Postback {
    /// Returns the question of a tap, if the button is the bot's. Other buttons are of the operator's, for another
    /// program.
    fn tap(self) -> Option<JobKind> {
        let Lossy(data) = self.data;
        Command::of_data(&data).is_some().then(|| JobKind::tap(data))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unsend {
    message_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Follow {
    is_unblocked: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(rename = "type")]
    kind: Option<String>,
    user_id: Option<String>,
    group_id: Option<String>,
    room_id: Option<String>,
}

impl Source {
    /// Returns the conversation, of the kind that LINE names; `None` if its id is missing or not valid.
    fn conversation(&self) -> Result<Option<ConversationId>, Verdict> {
        /// Returns the id, if it is valid.
        fn id<T: TryFrom<String>>(id: Option<&String>) -> Option<T> {
            id?.clone().try_into().ok()
        }
        Ok(match self.kind.as_deref() {
            Some("user") => id(self.user_id.as_ref()).map(ConversationId::User),
            Some("group") => id(self.group_id.as_ref()).map(ConversationId::Group),
            Some("room") => id(self.room_id.as_ref()).map(ConversationId::Room),
            _ => return Err(Verdict::Odd("the source is of an unknown type")),
        })
    }
}

/// Returns the jobs of one event, or the reason why there are none. An edit can become two jobs. The first records the
/// new text and does not wait behind the message. The second asks the new text as a question, in case the message was
/// not answered.
fn triage(event: WebhookEvent, raw: &[u8], prefix: Option<&Prefix>, now: i64) -> Result<Vec<Job>, Verdict> {
    use Verdict::{Odd, Skip};

    let is_standby = event.mode.as_deref() == Some("standby");
    if is_standby && !event.kind.as_deref().is_some_and(|kind| IN_STANDBY.contains(&kind)) {
        return Err(Skip("another service holds the chat (standby)"));
    }
    let kind = event.kind.as_deref().ok_or(Odd("the event has no type"))?;
    if !KINDS.contains(&kind) {
        return Err(Skip("an event of a kind that needs no answer"));
    }
    let tap = event.postback.and_then(Postback::tap);
    if kind == "postback" && tap.is_none() {
        return Err(NOT_OWN_BUTTON);
    }
    let source = event.source.ok_or(Odd("the event has no source"))?;
    let conversation = source.conversation()?.ok_or(Odd("the source has no usable id"))?;
    let is_private = conversation.is_private();
    let may_reply = event.reply_token.is_some();
    // Only a message event may take its id from the message: an edit of the same message is another event and must not
    // get the same id. It is also the only one that can be marked as read (LINE, "Mark messages as read").
    let new_message = event.message.as_ref().filter(|_| kind == "message");
    let named_after = new_message.and_then(|it| it.id.clone());
    let read_token = new_message.and_then(|it| it.mark_as_read_token.clone());
    let message = event.message.ok_or(Odd("the message event has no message"));
    let mut second_question = None;
    let ask = match kind {
        "message" if is_private => message?.in_private(may_reply)?,
        "message" => message?.in_group(prefix)?,
        "messageEdited" if is_private => return Err(Skip("an edit in a private chat")),
        "messageEdited" => {
            let (edited, question) = message?.edited(prefix)?;
            second_question = question;
            edited
        }
        "postback" => tap.ok_or(NOT_OWN_BUTTON)?,
        "follow" | "join" if !may_reply => return Err(Skip("no reply token to say hello")),
        "follow" => JobKind::Follow { is_unblocked: event.follow.is_some_and(|it| it.is_unblocked) },
        "join" => JobKind::Join,
        "unfollow" | "leave" => JobKind::Unfollow,
        _ => {
            let message_id = event.unsend.and_then(|it| MessageId::try_from(it.message_id?).ok());
            JobKind::Unsend { message_id: message_id.ok_or(Odd("the unsend event names no message"))? }
        }
    };
    let event_id = EventId::of_event(event.id.as_deref(), named_after.as_deref(), raw);
    let job = |event_id, ask, reply_token| Job {
        speaker: source.user_id.clone().filter(|_| !is_private).and_then(|id| id.try_into().ok()),
        accepted_at: Some(now),
        happened_at: event.timestamp,
        reply_token,
        read_token: read_token.clone(),
        ..Job::new(event_id, conversation.clone(), ask)
    };
    Ok(match second_question {
        None => vec![job(event_id, ask, event.reply_token)],
        Some(question) => {
            let second = event_id.derived("question");
            vec![job(event_id, ask, None), job(second, question, event.reply_token)]
        }
    })
}

const NOT_OWN_BUTTON: Verdict = Verdict::Skip("a button that is not the bot's");

/// The kinds of events that can be worth a job.
const KINDS: [&str; 8] =
    ["message", "messageEdited", "postback", "follow", "unfollow", "join", "leave", "unsend"];

/// The kinds that take effect, without an answer, also while another service holds the chat: people unsend earlier
/// messages, and leave (LINE, "Webhook Event Objects", `mode`).
const IN_STANDBY: [&str; 3] = ["unfollow", "leave", "unsend"];

#[cfg(test)]
mod tests;
