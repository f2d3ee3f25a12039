//! LINE's webhook, read tolerantly: fields come and go without notice (LINE, "Development
//! guidelines"), so nothing is required but an object with an `events` array, and one odd event never
//! spoils its neighbours. `triage` is the one place that decides what is worth a job. Pure.

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeOwned},
};
use serde_json::value::RawValue;
use shared::job::{Ask, ConversationId, EventId, Job, MessageId};

/// A body that is no webhook.
#[derive(Debug, thiserror::Error)]
#[error("the body is not a JSON object with an `events` array")]
pub struct NotAWebhook;

/// What becomes of one event.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It wants an answer.
    Job(Box<Job>),
    /// It wants none, for this reason.
    Skip(&'static str),
    /// It is not an event that this build can read; skipped with a warning.
    Odd(&'static str),
}

/// The events of a webhook that came in at `now`, in milliseconds since 1970, each judged on its own.
pub fn parse(body: &[u8], now: i64) -> Result<Vec<Verdict>, NotAWebhook> {
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
    Ok(webhook.events.into_iter().map(|raw| judge(raw, now)).collect())
}

fn judge(raw: &RawValue, now: i64) -> Verdict {
    if !raw.get().starts_with('{') {
        return Verdict::Odd("the event is not an object");
    }
    match serde_json::from_str(raw.get()) {
        Ok(event) => triage(event, raw.get().as_bytes(), now),
        Err(_) => Verdict::Odd("a field of the event has an unknown form"),
    }
}

/// One event, with only what Henji reads of it (LINE, "Webhook Event Objects").
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
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Unsend {
    message_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(rename = "type")]
    kind: Option<String>,
    user_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    quote_token: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    quoted_message_id: Option<String>,
    text: Option<Lossy>,
}

fn triage(event: WebhookEvent, raw: &[u8], now: i64) -> Verdict {
    use Verdict::{Odd, Skip};

    if event.mode.as_deref() == Some("standby") {
        return Skip("another service holds the chat (standby)");
    }
    let kind = match event.kind.as_deref() {
        Some(kind @ ("message" | "follow" | "unfollow" | "unsend")) => kind,
        Some(_) => return Skip("an event of a kind that needs no answer"),
        None => return Odd("the event has no type"),
    };
    let Some(source) = event.source else {
        return Odd("the event has no source");
    };
    match source.kind.as_deref() {
        Some("user") => {}
        Some("group" | "room") => return Skip("groups and rooms are not answered"),
        _ => return Odd("the source is of an unknown type"),
    }
    let Some(conversation) = source.user_id.and_then(|id| ConversationId::try_from(id).ok()) else {
        return Odd("the source has no usable user id");
    };
    let may_reply = event.reply_token.is_some();
    // Only an event of a message is named after it: to take the message back is another event.
    let named_after = event.message.as_ref().and_then(|message| message.id.clone());
    let ask = match kind {
        "message" => match event.message.map(|message| ask(message, may_reply)) {
            Some(Ok(ask)) => ask,
            Some(Err(verdict)) => return verdict,
            None => return Odd("the message event has no message"),
        },
        "follow" if may_reply => Ask::Follow,
        "follow" => return Skip("a new friend, and no reply token to say hello"),
        "unfollow" => Ask::Unfollow,
        _ => match event.unsend.and_then(|unsend| MessageId::try_from(unsend.message_id?).ok()) {
            Some(message_id) => Ask::Unsend { message_id },
            None => return Odd("the unsend event names no message"),
        },
    };
    let event_id = EventId::of_event(event.id.as_deref(), named_after.as_deref(), raw);
    Verdict::Job(Box::new(Job {
        accepted_at: Some(now),
        happened_at: event.timestamp,
        reply_token: event.reply_token,
        ..Job::new(event_id, conversation, ask)
    }))
}

/// What a message asks for.
fn ask(message: Message, may_reply: bool) -> Result<Ask, Verdict> {
    use Verdict::{Odd, Skip};

    match (message.kind.as_deref(), message.text) {
        (Some("text"), Some(Lossy(text))) if text.trim().is_empty() => Err(Skip("the text is blank")),
        (Some("text"), Some(Lossy(text))) => Ok(Ask::Question {
            text,
            message_id: message.id.and_then(|id| id.try_into().ok()),
            quote_token: message.quote_token,
            quotes: message.quoted_message_id.and_then(|id| id.try_into().ok()),
            content: None,
            only_if_quoting_bot: false,
        }),
        (Some("text"), None) => Err(Odd("the text message has no text")),
        _ if !may_reply => Err(Skip("not understood, and no reply token to say so")),
        _ => Ok(Ask::NotUnderstood),
    }
}

/// A field that a question can do without: of another type, it is as good as missing.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let raw = <&RawValue>::deserialize(from)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// A JSON string in which half of a surrogate pair, which JSON can write and UTF-8 cannot, becomes
/// U+FFFD instead of an error.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Lossy;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Lossy, E> {
                Ok(Lossy(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        from.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests;
