//! A stand-in for LINE's Messaging API, as its reference describes it. What a channel's bot may call is
//! here, a file for each kind of call; [`webhook`] posts to the bot, and [`phone`] is where people write.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::sync::watch;
use uuid::Uuid;

use super::{Act, Script, lock, respond};

mod content;
mod error;
mod group;
mod loading;
mod message;
pub mod phone;
mod profile;
mod push;
mod quota;
mod reply;
pub mod said;
pub mod webhook;

pub use self::{
    content::{Preparation, content_path, media_type},
    group::is_group,
    message::Message,
    reply::chat,
};

/// The path of push.
pub const PUSH: &str = "/v2/bot/message/push";
/// The path of reply.
pub const REPLY: &str = "/v2/bot/message/reply";
/// The path of the month's limit, and of what is used of it.
pub const QUOTA: &str = "/v2/bot/message/quota";
/// See [`QUOTA`].
pub const CONSUMPTION: &str = "/v2/bot/message/quota/consumption";
/// The path of the loading animation.
pub const LOADING: &str = "/v2/bot/chat/loading/start";
/// Where `henji send` finds what was pushed under a retry key; not part of LINE.
pub const PUSHED: &str = "/standin/pushes";

/// How long `henji send` is kept waiting by one request.
const LONG_POLL: Duration = Duration::from_secs(20);

/// A push or reply that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The chat of a push; the token of a reply.
    pub to: String,
    /// The texts of its messages.
    pub texts: Vec<String>,
    /// Its messages.
    pub messages: Vec<Message>,
    /// The push's retry key.
    pub retry_key: Option<String>,
}

impl Sent {
    fn new(to: &str, messages: Vec<Message>, retry_key: Option<String>) -> Self {
        let texts = messages.iter().map(|message| message.text.clone()).collect();
        Self { to: to.to_owned(), texts, messages, retry_key }
    }
}

/// What a phone shows because the bot asked for it.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// Messages.
    Messages {
        /// Each one's id, and the id of the message that it quotes.
        messages: Vec<(String, Message, Option<String>)>,
        /// Whether by the free reply token.
        by_reply: bool,
    },
    /// The loading animation, until this many seconds are over or a message comes.
    Loading {
        /// How long.
        seconds: u64,
    },
}

type OnArrival = Box<dyn Fn(&str, Arrival) + Send + Sync>;

/// The stand-in.
#[derive(Default)]
pub struct Line {
    /// What it does wrong, and what it was asked.
    pub script: Script,
    memory: Mutex<Memory>,
    sent: watch::Sender<Vec<Sent>>,
    on_arrival: OnceLock<OnArrival>,
}

#[derive(Default)]
struct Memory {
    /// Retry keys that were accepted.
    keys: HashMap<String, push::Accepted>,
    /// Reply tokens that went out with a webhook.
    tokens: HashMap<String, reply::Token>,
    /// Messages a month; unlimited if `None`.
    quota: Option<usize>,
    used: usize,
    /// Messages that a broadcast under way has reserved, and not used yet.
    reserved: usize,
    users: Vec<phone::User>,
    groups: HashMap<String, group::Group>,
    contents: HashMap<String, content::Content>,
    /// What becomes of the voices and videos that are sent.
    prepares: Preparation,
    hides_lengths: bool,
    /// The chat and the id of the messages that can be quoted, by their tokens.
    quotable: HashMap<String, (String, String)>,
}

impl Line {
    /// One that behaves.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Everything that was accepted so far, in order.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.borrow().clone()
    }

    /// Tells of everything that is accepted.
    pub fn watch(&self) -> watch::Receiver<Vec<Sent>> {
        self.sent.subscribe()
    }

    /// From now on `show` is called with everything that arrives at a phone. Set once.
    pub fn shows(&self, show: impl Fn(&str, Arrival) + Send + Sync + 'static) {
        let _ = self.on_arrival.set(Box::new(show));
    }

    /// So many messages are left this month.
    pub fn has_left(&self, messages: usize) {
        let mut memory = lock(&self.memory);
        memory.quota = Some(memory.used + messages);
    }

    /// So many are left, or any number.
    pub fn has_quota(&self, left: Option<usize>) {
        let mut memory = lock(&self.memory);
        memory.quota = left.map(|left| memory.used + left);
    }

    /// A broadcast reserves so many of the month's messages until it ends, when none are (LINE, "FAQ").
    pub fn reserves(&self, messages: usize) {
        lock(&self.memory).reserved = messages;
    }

    /// The next request to `path` gets this error.
    pub fn fails(&self, path: &str, status: u16, message: &str) {
        self.script.will(path, Act::Respond(status, vec![], json!({ "message": message }).to_string()));
    }

    /// LINE's paths, and [`PUSHED`].
    pub fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route(PUSH, post(push::push))
            .route(REPLY, post(reply::reply))
            .route(LOADING, post(loading::start))
            .route(QUOTA, get(quota::quota))
            .route(CONSUMPTION, get(quota::consumption))
            .route("/v2/bot/profile/{user}", get(profile::profile))
            .route("/v2/bot/info", get(profile::info))
            .route("/v2/bot/{kind}/{chat}/member/{user}", get(group::member))
            .route("/v2/bot/{kind}/{chat}/members/count", get(group::count))
            .route("/v2/bot/message/{id}/content", get(content::content))
            .route("/v2/bot/message/{id}/content/transcoding", get(content::transcoding))
            .route(&format!("{PUSHED}/{{key}}"), get(pushed))
            .with_state(self)
    }

    /// Messages were accepted for a chat: notes, counts and shows them, and returns LINE's answer.
    fn accept(&self, chat: &str, counts: usize, sent: Sent) -> Value {
        let mut memory = lock(&self.memory);
        memory.used += counts;
        let (mut messages, mut answer) = (vec![], vec![]);
        for message in sent.messages.iter().cloned() {
            let quotes =
                message.quotes.as_ref().and_then(|token| Some(memory.quotable.get(token)?.1.clone()));
            let (id, token) = (phone::message_id(), phone::quote_token());
            answer.push(json!({ "id": id, "quoteToken": token }));
            memory.quotable.insert(token, (chat.to_owned(), id.clone()));
            messages.push((id, message, quotes));
        }
        drop(memory);
        let by_reply = sent.retry_key.is_none();
        self.sent.send_modify(|all| all.push(sent));
        self.arrive(chat, Arrival::Messages { messages, by_reply });
        json!({ "sentMessages": answer })
    }

    /// Whether a message may be quoted in this chat: not one of another. A token that is not known may be of
    /// a webhook that somebody else posted.
    fn can_quote(&self, chat: &str, token: &str) -> bool {
        lock(&self.memory).quotable.get(token).is_none_or(|(of, _)| of == chat)
    }

    /// Nothing arrives at who blocked the bot, and LINE does not say so (LINE, "Send push message").
    fn arrive(&self, chat: &str, arrival: Arrival) {
        if self.is_blocked_by(chat) {
            return;
        }
        if let Some(show) = self.on_arrival.get() {
            show(chat, arrival);
        }
    }
}

/// The texts pushed under a key, as soon as there are any.
async fn pushed(State(line): State<Arc<Line>>, Path(key): Path<String>) -> Response {
    let mut sent = line.watch();
    let mine = |all: &Vec<Sent>| all.iter().any(|sent| sent.retry_key.as_deref() == Some(&key));
    let found = tokio::time::timeout(LONG_POLL, sent.wait_for(mine)).await;
    let texts = match &found {
        Ok(Ok(all)) => {
            all.iter().find(|sent| sent.retry_key.as_deref() == Some(&key)).map(|sent| &sent.texts)
        }
        _ => None,
    };
    respond(200, &[], json!({ "texts": texts }).to_string())
}

/// The headers of every answer of LINE.
fn request_id() -> (&'static str, String) {
    ("x-line-request-id", Uuid::new_v4().to_string())
}
