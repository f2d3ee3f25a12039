//! The webhooks that the simulation did not send itself, as those of `henji send`. The page shows their people and
//! messages, too.

use serde_json::Value;
use tokio::time::Instant;

use super::{language::japanese, state::Simulation, step::Step};
use crate::{
    line::{chat, is_group, phone},
    lock::lock,
};

impl Simulation {
    /// Notes the people and messages of a webhook; returns whether it has messages that are not known yet.
    pub(crate) async fn note_external_webhook(&self, body: &[u8]) -> bool {
        let Ok(webhook) = serde_json::from_slice::<Value>(body) else { return true };
        let is_idle = self.is_idle().await;
        let events = webhook["events"].as_array().cloned().unwrap_or_default();
        let known = |event: &Value| {
            let id = &event["webhookEventId"];
            id.is_string() && lock(&self.messages).iter().any(|m| m.event["webhookEventId"] == *id)
        };
        let is_own = webhook["destination"] == phone::BOT;
        let mut is_new = false;
        let messages =
            events.iter().filter(|event| event["type"] == "message" && event["message"].is_object());
        for event in messages.filter(|event| !known(event)) {
            let Some(user) = event["source"]["userId"].as_str() else { continue };
            is_new = true;
            let name = if is_own { "henji send" } else { user };
            if self.introduce(user, name, &japanese()) {
                let name = name.chars().take(20).collect();
                let joined = Step::Join { user: user.into(), name, language: japanese() };
                lock(&self.recording).note(joined, is_idle);
            }
            let chat = chat(&event["source"]).unwrap_or(user);
            let group = is_group(chat).then(|| chat.to_owned());
            if group.is_some() && self.note_group(chat, &chat.chars().take(9).collect::<String>(), user) {
                let (chat, name) = (chat.to_owned(), chat.chars().take(9).collect());
                let made = Step::Group { chat: chat.clone(), name, members: vec![user.to_owned()] };
                lock(&self.recording).note(made, is_idle);
                lock(&self.recording).note(Step::Invite { chat }, is_idle);
            }
            self.shows(user, chat, event, &event["message"]);
            if let Some(text) = event["message"]["text"].as_str() {
                let (user, text) = (user.to_owned(), text.to_owned());
                lock(&self.recording).note(Step::Say { user, text, chat: group, quotes: None }, is_idle);
            }
        }
        if is_new {
            self.line.sends(&webhook, Instant::now());
        }
        is_new
    }
}
