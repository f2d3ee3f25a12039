//! The events on LINE's side, as entries of the feed.

use serde_json::{Value, json};

use crate::{
    feed::Feed,
    line::{Arrival, Message, chat, webhook::Delivery},
    pipeline::{Pipeline, RequestIds},
};

/// Adds the entry of an arrival in a chat; `first` is the place of its first message among the bot's messages there.
pub(super) fn publish_arrival(feed: &Feed, chat: &str, first: usize, arrival: Arrival) {
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

/// Adds the entry of a webhook's start or end.
pub(crate) fn publish_delivery(feed: &Feed, bot: &dyn Pipeline, delivery: Delivery<'_>) {
    match delivery {
        Delivery::Sent { id, body, headers } => {
            let webhook: Value = serde_json::from_str(body).unwrap_or_default();
            let events: Vec<_> = webhook["events"].as_array().into_iter().flatten().map(|event| {
                let RequestIds { second, apology } = bot.request_ids(event);
                json!({
                    "id": event["webhookEventId"], "second": second, "type": event["type"], "user": event["source"]["userId"], "chat": chat(&event["source"]),
                    "redelivery": event["deliveryContext"]["isRedelivery"],
                    "apology": apology,
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
