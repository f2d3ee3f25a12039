//! What happens on LINE's side, as entries of the feed.

use serde_json::{Value, json};
use shared::job::EventId;
use worker::deliver::retry_key;

use super::feed::Feed;
use crate::standin::line::{Arrival, Message, chat, webhook::Delivery};

/// How many pushes of an event the page knows by their retry keys.
const KEYS: u32 = 8;

/// Tells the page what arrives in a chat; the first of the messages has this place among the bot's.
pub(super) fn tell_arrival(feed: &Feed, chat: &str, first: usize, arrival: Arrival) {
    match arrival {
        Arrival::Messages { messages, by_reply } => {
            let messages: Vec<_> = messages
                .into_iter()
                .zip(first..)
                .map(|((id, Message { text, buttons, sender, icon, .. }, quotes), n)| {
                    json!({ "id": id, "n": n, "text": text, "buttons": buttons, "sender": sender, "icon": icon, "quotes": quotes })
                })
                .collect();
            feed.tell("answer", json!({ "chat": chat, "messages": messages, "by_reply": by_reply }));
        }
        Arrival::Loading { seconds } => feed.tell("loading", json!({ "user": chat, "seconds": seconds })),
    }
}

/// Tells the page of a webhook on its way, and of its end.
pub(super) fn tell_delivery(feed: &Feed, delivery: Delivery<'_>) {
    match delivery {
        Delivery::Sent { id, body, headers } => {
            let webhook: Value = serde_json::from_str(body).unwrap_or_default();
            let events: Vec<_> = webhook["events"].as_array().into_iter().flatten().map(|event| {
                json!({
                    "id": event["webhookEventId"], "second": second(event), "type": event["type"], "user": event["source"]["userId"], "chat": chat(&event["source"]),
                    "redelivery": event["deliveryContext"]["isRedelivery"],
                    "reply_token": event["replyToken"], "keys": keys(event),
                })
            }).collect();
            feed.tell("webhook", json!({ "id": id, "body": body, "headers": headers, "events": events }));
        }
        Delivery::Ended { id, status, took } => {
            let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            feed.tell(
                "webhook_end",
                json!({ "id": id, "status": status.ok(), "error": status.err(), "ms": ms }),
            );
        }
    }
}

/// The event's id, as *accept* reads it.
fn id(event: &Value) -> Option<EventId> {
    event["webhookEventId"].as_str().map(|id| EventId::of_event(Some(id), None, b""))
}

/// The id of the question that an edited message may be beside its edit.
fn second(event: &Value) -> Option<EventId> {
    id(event).filter(|_| event["type"] == "messageEdited").map(|id| id.derived("question"))
}

/// The retry keys by which an event's pushes are known, its apology's last.
fn keys(event: &Value) -> Vec<String> {
    let Some(id) = second(event).or_else(|| id(event)) else { return vec![] };
    let pushes = (0..KEYS).map(|part| retry_key(&id, part).to_string());
    pushes.chain([id.derive("apology").to_string()]).collect()
}
