//! The messages that people send, edit and unsend on their phones. The chat shows them, and LINE makes webhooks of
//! them if the bot is in the chat.

use std::sync::Arc;

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    state::{Message, Simulation},
    step::{Quoted, Step},
};
use crate::{
    line::{
        is_group,
        phone::{self, Source},
        said,
    },
    lock::lock,
    media_type::media_type,
    model::hear,
    pipeline::Refusal,
};

/// The longest text of a message, in bytes. LINE does not document the limit of its app; here a webhook has at most
/// 2 MB.
const TEXT_MAX: usize = 100_000;
/// The speed of a sample voice, in bytes of its text a second.
const BYTES_A_SECOND: usize = 15;
const SECONDS_MAX: usize = 30;

/// The most pictures that are sent at once. LINE does not document the limit of its app.
const PICTURES_MAX: usize = 20;

const NO_SUCH: Refusal = "there is no such message";

impl Simulation {
    /// Sends somebody's message to LINE, and LINE's webhook to the bot. Several pictures are as many messages, whose
    /// webhooks go in any order, because LINE defines none (LINE, "Image", `imageSet`).
    pub(super) fn sends(self: &Arc<Self>, step: Step) -> Result<(), Refusal> {
        let Some(user) = step.user().map(str::to_owned) else { return Ok(()) };
        let chat = step.group().unwrap_or(&user).to_owned();
        let webhook_max = if let Step::Pictures { one_webhook: true, .. } = step { PICTURES_MAX } else { 1 };
        let messages = match step {
            Step::Pictures { base64, .. } => self.pictures(&base64)?,
            step => vec![self.message(step, &chat)?],
        };
        let event = |message| phone::message_event(message, Source::of(&chat, Some(&user)), (self.clock)());
        let mut events: Vec<_> = messages.into_iter().map(event).collect();
        events.retain(|event| self.shows(&user, &chat, event, &event["message"]));
        // The second comes first and the first one last: an order that is not theirs, and the same in a replay.
        if !events.is_empty() {
            events.rotate_left(1);
        }
        events.chunks(webhook_max).for_each(|events| self.delivers_all(events.to_vec()));
        Ok(())
    }

    /// Taps a button that sends data. The chat shows its text like a message, which LINE gives no id.
    pub(super) fn tap(
        self: &Arc<Self>,
        user: &str,
        chat: Option<&str>,
        data: &str,
        text: &str,
    ) -> Result<(), Refusal> {
        if data.is_empty() || data.len() > TEXT_MAX || text.len() > TEXT_MAX {
            return Err("a button has data, and its data and its text have at most 100,000 bytes");
        }
        let chat = chat.unwrap_or(user);
        let event = phone::postback_event(data, Source::of(chat, Some(user)), (self.clock)());
        if self.shows(user, chat, &event, &json!({ "type": "text", "text": text })) {
            self.delivers(event);
        }
        Ok(())
    }

    fn message(&self, step: Step, chat: &str) -> Result<Value, Refusal> {
        Ok(match step {
            Step::Say { text, quotes, .. } => {
                let quoted = quotes.map(|quotes| self.quoted(chat, quotes)).transpose()?;
                said::quoting(self.words(chat, &text)?, quoted.as_deref())
            }
            Step::Sticker { sticker, .. } => said::sticker(sticker).ok_or("there is no such sticker")?,
            Step::Picture { base64, .. } => self.picture(&base64)?,
            Step::Voice { words, .. } => {
                let seconds = (words.len() / BYTES_A_SECOND).clamp(1, SECONDS_MAX);
                let sample = hear::sample(&words, u32::try_from(seconds).unwrap_or(1));
                let id = self.line.holds("audio/wav", sample);
                said::voice(&id, Some(seconds as u64 * 1_000))
            }
            Step::File { name, base64, ms, .. } => {
                let bytes = bytes(&base64)?;
                let (kind, size) = (media_type(&bytes).unwrap_or("application/octet-stream"), bytes.len());
                let id = self.line.holds(kind, bytes);
                match kind.split('/').next() {
                    Some("image") => said::image(&id),
                    Some("audio") => said::voice(&id, ms),
                    Some("video") => said::video(&id, ms),
                    _ => said::file(&id, &name, size),
                }
            }
            Step::Location { title, address, latitude, longitude, .. } => {
                said::location(&title, &address, latitude, longitude)
            }
            _ => return Err("this is no message"),
        })
    }

    fn picture(&self, base64: &str) -> Result<Value, Refusal> {
        self.line.image(bytes(base64)?).ok_or("PNG, JPEG, GIF and WebP are pictures")
    }

    /// Makes the messages of pictures that are sent at once.
    fn pictures(&self, base64: &[String]) -> Result<Vec<Value>, Refusal> {
        if !(1..=PICTURES_MAX).contains(&base64.len()) {
            return Err("1 to 20 pictures are sent at once");
        }
        let images = base64.iter().map(|base64| self.picture(base64)).collect::<Result<_, _>>()?;
        Ok(said::image_set(images))
    }

    /// Makes the text message of this chat; in a group with its mentions.
    fn words(&self, chat: &str, text: &str) -> Result<Value, Refusal> {
        if text.trim().is_empty() || text.len() > TEXT_MAX {
            return Err("a message has 1 to 100,000 bytes");
        }
        if is_group(chat) {
            Ok(said::text_in_group(text, &self.line.members(chat)))
        } else {
            Ok(said::text(text))
        }
    }

    /// Returns the id of the quoted message, which must be in the same chat.
    fn quoted(&self, chat: &str, quotes: Quoted) -> Result<String, Refusal> {
        match quotes {
            Quoted::Answer(n) => {
                let answers = lock(&self.answers);
                answers.get(chat).and_then(|ids| ids.get(n)).cloned().ok_or(NO_SUCH)
            }
            Quoted::Message(n) => {
                let messages = lock(&self.messages);
                let message = messages.get(n).filter(|message| message.chat == chat && !message.is_unsent);
                let message = message.ok_or(NO_SUCH)?;
                if message.event["message"]["quoteToken"].is_null() {
                    return Err("LINE lets nobody quote such a message");
                }
                Ok(message.id().to_owned())
            }
        }
    }

    /// Shows the message of an event in its chat; returns whether the bot is in the chat, so that the message is delivered to it.
    pub(super) fn shows(&self, user: &str, chat: &str, event: &Value, message: &Value) -> bool {
        let is_delivered = !self.line.is_without_bot(chat);
        let mut messages = lock(&self.messages);
        let n = messages.len();
        self.feed.tell("said", json!({ "user": user, "chat": chat, "n": n, "event": event["webhookEventId"], "message": message, "heard": is_delivered }));
        let (user, chat) = (user.to_owned(), chat.to_owned());
        messages.push(Message { user, chat, event: event.clone(), is_delivered, is_unsent: false });
        is_delivered
    }

    pub(super) fn edit(self: &Arc<Self>, n: usize, text: &str) -> Result<(), Refusal> {
        let (event, chat) = {
            let messages = lock(&self.messages);
            let message = messages.get(n).filter(|message| !message.is_unsent).ok_or(NO_SUCH)?;
            if !is_group(&message.chat) || message.event["message"]["type"] != "text" {
                return Err("LINE lets people edit their texts in groups only");
            }
            let quoted = message.event["message"]["quotedMessageId"].as_str();
            let words = said::quoting(self.words(&message.chat, text)?, quoted);
            let event = phone::edited_event(message.id(), words, message.source(), (self.clock)());
            (event, message.chat.clone())
        };
        self.feed
            .tell("edited", json!({ "n": n, "chat": chat, "event": event["webhookEventId"], "text": text }));
        if !self.line.is_without_bot(&chat) {
            self.delivers(event);
        }
        Ok(())
    }

    pub(super) fn unsend(self: &Arc<Self>, n: usize) -> Result<(), Refusal> {
        let (event, chat) = {
            let mut messages = lock(&self.messages);
            let is_there = |message: &&mut Message| !message.is_unsent && !message.id().is_empty();
            let message = messages.get_mut(n).filter(is_there).ok_or(NO_SUCH)?;
            message.is_unsent = true;
            (self.line.unsends(message.source(), message.id(), (self.clock)()), message.chat.clone())
        };
        self.feed.tell("unsent", json!({ "n": n, "chat": chat }));
        if !self.line.is_without_bot(&chat) {
            self.delivers(event);
        }
        Ok(())
    }
}

fn bytes(base64: &str) -> Result<Bytes, Refusal> {
    STANDARD.decode(base64).map(Bytes::from).map_err(|_| "the file is not base64")
}
