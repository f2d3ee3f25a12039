//! Everything that happens in `henji dev`: people, LINE, the model, the pipeline, and what the page is
//! told of them. [`World::does`] is the one way in which anything is set going.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use serde_json::{Value, json};
use worker::answer::Clock;

use super::{
    conversation::Recording, feed::Feed, groups::Group, messages::Message, stages::Stages, step::Step,
};
use crate::{
    sqlite::{
        letters::{Letters, Redriven},
        queue::SqliteQueue,
    },
    standin::{
        Act,
        line::{Line, PUSH, Preparation, REPLY, phone, webhook::Webhooks},
        model::{COMPLETIONS, Model},
    },
};

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
    /// The ids of what the bot said, by chat.
    pub(super) answers: Mutex<HashMap<String, Vec<String>>>,
    /// The groups.
    pub(super) groups: Mutex<HashMap<String, Group>>,
    /// Whether a conversation is being replayed: one at a time, or each would count the other's messages.
    pub(super) is_replaying: AtomicBool,
    /// How many events LINE has not delivered yet.
    pub(super) under_way: AtomicUsize,
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
        if let Some(group) = step.group() {
            self.is_of(group, step.user().filter(|_| !matches!(step, Step::Enter { .. })))?;
        }
        match step {
            Step::Join { user, name, language } => self.join(&user, &name, &language)?,
            Step::Group { chat, name, members } => self.gathers(&chat, &name, &members)?,
            Step::Enter { user, chat } => self.enters(&chat, &user)?,
            Step::Invite { chat } => self.invites(&chat)?,
            Step::Remove { chat } => self.removes(&chat)?,
            Step::Say { .. }
            | Step::Sticker { .. }
            | Step::Picture { .. }
            | Step::Voice { .. }
            | Step::File { .. }
            | Step::Location { .. } => self.sends(step)?,
            Step::Edit { message, text } => self.edit(message, &text)?,
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
            Step::Contents { fault } => self.line.prepares(fault.map(Preparation::from).unwrap_or_default()),
            Step::Quota { left } => self.line.has_quota(left),
            Step::Kill => self.stages.kill(),
            Step::Redrive { letter } => self.redrive(letter).await?,
        }
        self.feed.tell("did", json!({ "step": done.shown() }));
        lock(&self.recording).note(done, is_idle);
        Ok(())
    }

    fn join(&self, id: &str, name: &str, language: &str) -> Result<(), Refusal> {
        if !is_id(id, 'U') || name.trim().is_empty() || name.chars().count() > 20 {
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

    pub(super) fn delivers(self: &Arc<Self>, event: Value) {
        let world = self.clone();
        self.under_way.fetch_add(1, Relaxed);
        tokio::spawn(async move {
            world.webhooks.deliver(&event).await;
            world.under_way.fetch_sub(1, Relaxed);
        });
    }

    fn follow(self: &Arc<Self>, user: &str, follows: bool) {
        let event = self.line.follows(user, follows, (self.clock)());
        self.feed.tell("follows", json!({ "user": user, "follows": follows }));
        self.delivers(event);
    }

    fn redeliver(self: &Arc<Self>, n: Option<usize>) -> Result<(), Refusal> {
        let event = {
            let messages = lock(&self.messages);
            let last = || messages.iter().rposition(|message| message.is_delivered);
            let n = n.or_else(last).ok_or("nothing was delivered yet")?;
            let message = messages.get(n).filter(|message| message.is_delivered);
            message.ok_or("there is no such message")?.event.clone()
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

/// Whether this is an id as LINE's, of the kind that its first letter names.
pub(super) fn is_id(id: &str, letter: char) -> bool {
    let digits = id.strip_prefix(letter);
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Takes a lock whose holder may have panicked.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
