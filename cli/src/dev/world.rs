//! Everything that happens in `henji dev`: people, LINE, the model, the pipeline, and what the page is
//! told of them. [`World::does`] is the one way in which anything is set going.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::body::Bytes;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use worker::answer::Clock;

use super::{conversation::Recording, feed::Feed, stages::Stages, step::Step};
use crate::{
    sqlite::{
        letters::{Letters, Redriven},
        queue::SqliteQueue,
    },
    standin::{
        Act,
        line::{Line, PUSH, REPLY, phone, said, webhook::Webhooks},
        model::{COMPLETIONS, Model},
    },
};

/// The longest text that LINE's app lets one send is not documented; a webhook is 2 MB at most here.
const TEXT_MAX: usize = 100_000;
const THINK_MAX: Duration = Duration::from_mins(3);

/// It all.
pub(super) struct World {
    /// What the page is told.
    pub(super) feed: Arc<Feed>,
    /// LINE's side of the webhook.
    pub(super) webhooks: Arc<Webhooks>,
    /// LINE.
    pub(super) line: Arc<Line>,
    /// The model.
    pub(super) model: Arc<Model>,
    /// The pipeline.
    pub(super) stages: Arc<Stages>,
    /// Its queue, looked at from outside.
    pub(super) queue: SqliteQueue,
    /// Its dead letters.
    pub(super) letters: Letters,
    /// The wall clock.
    pub(super) clock: Clock,
    /// What was done so far.
    pub(super) recording: Mutex<Recording>,
    /// Every message that was sent, in order.
    pub(super) messages: Mutex<Vec<Message>>,
    /// Whether a conversation is being replayed: one at a time, or each would count the other's messages.
    pub(super) is_replaying: AtomicBool,
    /// How many events LINE has not delivered yet.
    pub(super) under_way: AtomicUsize,
}

/// A message that somebody sent.
pub(super) struct Message {
    user: String,
    pub(super) event: Value,
    is_unsent: bool,
}

/// Why something cannot be done, for the page to say.
pub(super) type Refusal = &'static str;

impl World {
    /// Does it; what it sets going goes on by itself.
    pub(super) async fn does(self: &Arc<Self>, step: Step) -> Result<(), Refusal> {
        let is_idle = self.is_idle().await;
        let done = step.clone();
        if let Some(user) = step.user()
            && !matches!(step, Step::Join { .. })
            && !self.line.knows(user)
        {
            return Err("there is no such person");
        }
        match step {
            Step::Join { user, name, language } => self.join(&user, &name, &language)?,
            Step::Say { user, text } => {
                if text.trim().is_empty() || text.len() > TEXT_MAX {
                    return Err("a message has 1 to 100,000 bytes");
                }
                self.sends(&user, said::text(&text));
            }
            Step::Sticker { user, sticker } => {
                self.sends(&user, said::sticker(sticker).ok_or("there is no such sticker")?);
            }
            Step::Picture { user, base64 } => {
                let bytes = STANDARD.decode(base64).map_err(|_| "the picture is not base64")?;
                let image =
                    self.line.image(Bytes::from(bytes)).ok_or("PNG, JPEG, GIF and WebP are pictures")?;
                self.sends(&user, image);
            }
            Step::Unsend { message } => self.unsend(message)?,
            Step::Follow { user } => self.follow(&user, true),
            Step::Unfollow { user } => self.follow(&user, false),
            Step::Redeliver { message } => self.redeliver(message)?,
            Step::Think { ms } => self.model.thinks(Duration::from_millis(ms).min(THINK_MAX)),
            Step::Model { fault, once } => {
                let act = fault.map(Act::from);
                self.model.script.misbehaves(COMPLETIONS, act.as_ref(), once);
            }
            Step::Line { fault, once } => {
                let act = fault.map(Act::from);
                self.line.script.misbehaves(PUSH, act.as_ref(), once);
                // The one time is the next answer's; a polite notice would otherwise wait with a fault of its own.
                self.line.script.misbehaves(REPLY, act.as_ref().filter(|_| !once), false);
            }
            Step::Quota { left } => self.line.has_quota(left),
            Step::Kill => self.stages.kill(),
            Step::Redrive { letter } => self.redrive(letter).await?,
        }
        self.feed.tell("did", json!({ "step": done.shown() }));
        lock(&self.recording).note(done, is_idle);
        Ok(())
    }

    fn join(&self, id: &str, name: &str, language: &str) -> Result<(), Refusal> {
        let is_id = id.len() == 33 && id.starts_with('U') && id[1..].bytes().all(|b| b.is_ascii_hexdigit());
        if !is_id || name.trim().is_empty() || name.chars().count() > 20 {
            return Err(
                "a person has an id as LINE's (U and 32 hex digits) and a name of 1 to 20 characters",
            );
        }
        self.introduce(id, name, language);
        Ok(())
    }

    pub(super) fn introduce(&self, id: &str, name: &str, language: &str) -> bool {
        let (own_id, own_name, own_language) = (id.to_owned(), name.to_owned(), language.to_owned());
        let user = phone::User { id: own_id, name: own_name, language: own_language, follows: true };
        let is_new = self.line.joins(user);
        if is_new {
            self.feed.tell("user", json!({ "user": id, "name": name, "language": language }));
        }
        is_new
    }

    /// Somebody's message goes to LINE, and LINE's webhook to the bot.
    fn sends(self: &Arc<Self>, user: &str, message: Value) {
        let event = phone::message_event(message, user, (self.clock)());
        self.shows(user, &event);
        self.delivers(event);
    }

    /// A phone shows what its owner sent.
    pub(super) fn shows(&self, user: &str, event: &Value) {
        let mut messages = lock(&self.messages);
        let message = &event["message"];
        self.feed.tell("said", json!({ "user": user, "n": messages.len(), "event": event["webhookEventId"], "message": message }));
        messages.push(Message { user: user.to_owned(), event: event.clone(), is_unsent: false });
    }

    fn delivers(self: &Arc<Self>, event: Value) {
        let world = self.clone();
        self.under_way.fetch_add(1, Relaxed);
        tokio::spawn(async move {
            world.webhooks.deliver(&event).await;
            world.under_way.fetch_sub(1, Relaxed);
        });
    }

    fn unsend(self: &Arc<Self>, n: usize) -> Result<(), Refusal> {
        let event = {
            let mut messages = lock(&self.messages);
            let message = messages.get_mut(n).filter(|m| !m.is_unsent).ok_or("there is no such message")?;
            message.is_unsent = true;
            let id = message.event["message"]["id"].as_str().unwrap_or_default();
            self.line.unsends(&*message.user, id, (self.clock)())
        };
        self.feed.tell("unsent", json!({ "n": n }));
        self.delivers(event);
        Ok(())
    }

    fn follow(self: &Arc<Self>, user: &str, follows: bool) {
        let event = self.line.follows(user, follows, (self.clock)());
        self.feed.tell("follows", json!({ "user": user, "follows": follows }));
        self.delivers(event);
    }

    fn redeliver(self: &Arc<Self>, n: Option<usize>) -> Result<(), Refusal> {
        let event = {
            let messages = lock(&self.messages);
            let n = n.or(messages.len().checked_sub(1)).ok_or("nothing was delivered yet")?;
            messages.get(n).ok_or("there is no such message")?.event.clone()
        };
        let world = self.clone();
        tokio::spawn(async move { world.webhooks.redeliver(&event).await });
        Ok(())
    }

    async fn redrive(&self, letter: Option<String>) -> Result<(), Refusal> {
        let trouble = |_| "the dead letters cannot be read";
        let all = self.letters.list().await.map_err(trouble)?;
        for found in all.into_iter().filter(|l| letter.as_ref().is_none_or(|id| *id == l.id)) {
            if self.letters.redrive(&found.id).await.map_err(trouble)? == Redriven::Unreadable {
                return Err("the letter is not a job");
            }
        }
        Ok(())
    }
}

/// Takes a lock whose holder may have panicked.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
