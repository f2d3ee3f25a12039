//! The state of the simulation around a bot. The other files of this folder change it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use reqwest::Client;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    entries::{publish_arrival, publish_delivery},
    recording::Recording,
};
use crate::{
    clock::Clock,
    feed::Feed,
    line::{Arrival, Line, User, phone::Source, webhook::Webhooks},
    lock::lock,
    model::Model,
    pipeline::Pipeline,
};

/// The pauses after which LINE delivers again an event that was not accepted: short enough for a person to watch.
const AGAIN_SECONDS: [u64; 4] = [1, 3, 10, 30];

/// The parts that a simulation is made of.
pub struct Parts {
    /// The channel secret.
    pub secret: SecretString,
    /// The address that webhooks are posted to.
    pub webhook: String,
    /// The model.
    pub model: Arc<Model>,
    /// The bot.
    pub pipeline: Arc<dyn Pipeline>,
    /// The list that the page reads.
    pub feed: Arc<Feed>,
    /// The HTTP client that reaches the bot.
    pub http: Client,
    /// The wall clock.
    pub clock: Clock,
}

/// The simulation around one bot.
pub struct Simulation {
    /// The list that the page reads.
    pub feed: Arc<Feed>,
    /// LINE's side of the webhook.
    pub(crate) webhooks: Arc<Webhooks>,
    /// The emulated LINE platform.
    pub(crate) line: Arc<Line>,
    /// The model.
    pub(crate) model: Arc<Model>,
    /// The bot.
    pub(crate) pipeline: Arc<dyn Pipeline>,
    /// The wall clock.
    pub(super) clock: Clock,
    /// The steps so far, and the bot's answers.
    pub(crate) recording: Mutex<Recording>,
    /// Every message that was sent, in order.
    pub(super) messages: Mutex<Vec<Message>>,
    /// The ids of the bot's messages, by chat.
    pub(super) answers: Mutex<HashMap<String, Vec<String>>>,
    /// Whether a conversation is being replayed. Only one at a time is possible, because each would count the other's
    /// messages.
    pub(crate) is_replaying: AtomicBool,
    /// The number of webhooks that LINE has not delivered yet.
    pub(super) under_way: AtomicUsize,
}

/// A message that somebody sent.
pub(super) struct Message {
    pub(super) user: String,
    pub(super) chat: String,
    pub(super) event: Value,
    /// Whether the bot was in the chat, so that the message was delivered to it.
    pub(super) is_delivered: bool,
    pub(super) is_unsent: bool,
}

impl Message {
    pub(super) fn id(&self) -> &str {
        self.event["message"]["id"].as_str().unwrap_or_default()
    }

    pub(super) fn source(&self) -> Source {
        Source::of(&self.chat, Some(&self.user))
    }
}

impl Simulation {
    /// Makes a simulation without people.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { secret, webhook, model, pipeline, feed, http, clock } = parts;
        let line = Line::new();
        let (deliveries, bot) = (feed.clone(), pipeline.clone());
        let webhooks = Arc::new(Webhooks {
            line: line.clone(),
            secret,
            endpoint: Mutex::new(webhook),
            again: AGAIN_SECONDS.map(Duration::from_secs).to_vec(),
            http,
            clock: clock.clone(),
            on_delivery: Box::new(move |delivery| publish_delivery(&deliveries, &*bot, delivery)),
        });
        let simulation = Arc::new(Self {
            feed,
            webhooks,
            line: line.clone(),
            model,
            pipeline,
            clock,
            recording: Mutex::default(),
            messages: Mutex::default(),
            answers: Mutex::default(),
            is_replaying: false.into(),
            under_way: 0.into(),
        });
        let watched = Arc::downgrade(&simulation);
        line.shows(move |chat, arrival| {
            if let Some(simulation) = watched.upgrade() {
                simulation.arrives(chat, arrival);
            }
        });
        simulation
    }

    fn arrives(&self, chat: &str, arrival: Arrival) {
        let mut answers = lock(&self.answers);
        let said = answers.entry(chat.to_owned()).or_default();
        let first = said.len();
        if let Arrival::Messages { messages, .. } = &arrival {
            for (id, message, _) in messages {
                said.push(id.clone());
                lock(&self.recording).hears(chat, &message.text);
            }
        }
        publish_arrival(&self.feed, chat, first, arrival);
    }

    pub(super) fn introduce(&self, id: &str, name: &str, language: &str) -> bool {
        let (own_id, own_name, own_language) = (id.to_owned(), name.to_owned(), language.to_owned());
        let user = User { id: own_id, name: own_name, language: own_language, follows: true };
        let is_new = self.line.add_user(user);
        if is_new {
            self.feed.tell("user", json!({ "user": id, "name": name, "language": language }));
        }
        is_new
    }

    pub(super) fn delivers(self: &Arc<Self>, event: Value) {
        self.delivers_all(vec![event]);
    }

    /// Delivers events in one webhook.
    pub(super) fn delivers_all(self: &Arc<Self>, events: Vec<Value>) {
        let simulation = self.clone();
        self.under_way.fetch_add(1, Relaxed);
        tokio::spawn(async move {
            simulation.webhooks.deliver(events).await;
            simulation.under_way.fetch_sub(1, Relaxed);
        });
    }
}

/// Whether this is an id in LINE's form that begins with this letter.
pub(super) fn is_id(id: &str, letter: char) -> bool {
    let digits = id.strip_prefix(letter);
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}
