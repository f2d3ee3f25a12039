//! The messages that people send, as message objects of a webhook (LINE, "Message event").

use serde_json::{Value, json};

use super::{
    ids::{image_set_id, message_id, quote_token},
    state::User,
};

/// The bot's own user id, which webhooks name as their destination.
pub const BOT: &str = "U00000000000000000000000000000000";

/// The name by which people in a group mention the bot and, below, all members.
pub const BOT_NAME: &str = "Henji";
const ALL: &str = "All";
/// The most mentions of one message.
const MENTIONS_MAX: usize = 20;

/// A sticker that the page can show without loading a picture from LINE.
pub struct Sticker {
    id: &'static str,
    /// Its kind, as LINE names it (`stickerResourceType`).
    kind: &'static str,
    /// The keywords that LINE adds to it; some stickers have none.
    keywords: &'static [&'static str],
    /// The text that its sender wrote on it.
    text: Option<&'static str>,
}

const fn sticker_of(id: &'static str, keywords: &'static [&'static str]) -> Sticker {
    Sticker { id, kind: "STATIC", keywords, text: None }
}

/// The stickers of the emulator. The last but one has a text on it; the last one has no text and no keywords.
pub const STICKERS: [Sticker; 8] = [
    sticker_of("1988", &["hello"]),
    sticker_of("1989", &["love"]),
    sticker_of("1990", &["laugh", "lol"]),
    sticker_of("1991", &["cry", "sad"]),
    sticker_of("1992", &["thanks"]),
    sticker_of("1993", &["goodnight"]),
    Sticker { id: "1994", kind: "MESSAGE", keywords: &["celebrate"], text: Some("Happy birthday!") },
    Sticker { id: "1995", kind: "CUSTOM", keywords: &[], text: None },
];

/// Makes a text message.
pub fn text(text: &str) -> Value {
    json!({ "type": "text", "id": message_id(), "text": text, "quoteToken": quote_token() })
}

/// Makes a text message that may mention the bot, these people, or all.
pub fn text_in_group(words: &str, people: &[User]) -> Value {
    let mut message = text(words);
    let mentionees = mentions(words, people);
    if !mentionees.is_empty() {
        message["mention"] = json!({ "mentionees": mentionees });
    }
    message
}

/// Finds the mentions in a text. In LINE's app a person picks them from a list; here `@` and a name is a mention.
fn mentions(text: &str, people: &[User]) -> Vec<Value> {
    let mut names = vec![(BOT_NAME, Some(BOT)), (ALL, None)];
    names.extend(people.iter().map(|user| (&*user.name, Some(&*user.id))));
    // Longer names are tried first: `@Aoi Sato` is not `@Aoi`.
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    let at_signs = text.match_indices('@').filter_map(|(at, _)| {
        let (name, id) = names.iter().find(|(name, _)| text[at + 1..].starts_with(name))?;
        // LINE counts index and length in UTF-16 code units.
        let (index, length) = (text[..at].encode_utf16().count(), name.encode_utf16().count() + 1);
        Some(match id {
            None => json!({ "index": index, "length": length, "type": "all" }),
            Some(id) => {
                json!({ "index": index, "length": length, "type": "user", "userId": id, "isSelf": *id == BOT })
            }
        })
    });
    at_signs.take(MENTIONS_MAX).collect()
}

/// Adds the id of the quoted message, if there is one.
pub fn quoting(mut message: Value, quoted: Option<&str>) -> Value {
    if let Some(id) = quoted {
        message["quotedMessageId"] = id.into();
    }
    message
}

/// Makes a message of one of the [`STICKERS`].
pub fn sticker(index: usize) -> Option<Value> {
    let Sticker { id, kind, keywords, text } = STICKERS.get(index)?;
    let mut message = json!({
        "type": "sticker", "id": message_id(), "quoteToken": quote_token(), "packageId": "446",
        "stickerId": id, "stickerResourceType": kind,
    });
    if !keywords.is_empty() {
        message["keywords"] = json!(keywords);
    }
    if let Some(text) = text {
        message["text"] = (*text).into();
    }
    Some(message)
}

/// Makes a location message. LINE leaves out a title or address that is empty.
pub fn location(title: &str, address: &str, latitude: f64, longitude: f64) -> Value {
    let mut message =
        json!({ "type": "location", "id": message_id(), "latitude": latitude, "longitude": longitude });
    for (name, words) in [("title", title), ("address", address)] {
        if !words.is_empty() {
            message[name] = words.into();
        }
    }
    message
}

/// Makes an image message, whose bytes LINE stores under this id.
pub fn image(id: &str) -> Value {
    json!({ "type": "image", "id": id, "quoteToken": quote_token(), "contentProvider": { "type": "line" } })
}

/// Marks image messages as sent at once, in this order. LINE marks no image that is sent alone.
pub fn image_set(mut images: Vec<Value>) -> Vec<Value> {
    let (id, total) = (image_set_id(), images.len());
    if total > 1 {
        for (index, image) in images.iter_mut().enumerate() {
            image["imageSet"] = json!({ "id": id, "index": index + 1, "total": total });
        }
    }
    images
}

/// Makes an audio message, whose bytes LINE stores under this id. It cannot be quoted.
pub fn voice(id: &str, duration_ms: Option<u64>) -> Value {
    let message = json!({ "type": "audio", "id": id, "contentProvider": { "type": "line" } });
    lasting(message, duration_ms)
}

/// Makes a video message, whose bytes LINE stores under this id.
pub fn video(id: &str, duration_ms: Option<u64>) -> Value {
    let mut message = image(id);
    message["type"] = "video".into();
    lasting(message, duration_ms)
}

fn lasting(mut message: Value, duration_ms: Option<u64>) -> Value {
    if let Some(ms) = duration_ms {
        message["duration"] = ms.into();
    }
    message
}

/// Makes a file message, whose bytes LINE stores under this id.
pub fn file(id: &str, name: &str, size: usize) -> Value {
    json!({ "type": "file", "id": id, "fileName": name, "fileSize": size })
}
