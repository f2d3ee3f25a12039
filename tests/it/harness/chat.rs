//! A chat with a bot on one machine or on Lambda, and the macro that runs a story on both.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use cli::commands::send::webhook_of;
use emulator::{
    faults::Fault,
    line::{Arrival, Line},
    model::{Model, see},
};
use ingress::queue::JobQueue;
use local::sqlite::{Database, history::SqliteHistory, queue::SqliteQueue};
use serde_json::{Value, json};
use shared::job::{ConversationId, EventId, Job, JobKind};
use tokio::time::sleep;
use uuid::Uuid;
use worker::{
    adapters::dynamodb::DynamoHistory,
    clock::wall_clock,
    history::{Forget, History},
};

use crate::harness::{
    lambda::{
        bot::{Bot as OnLambda, payload_2},
        cloud::{TABLE, attribute},
    },
    local::{Bot as OnOneMachine, USER},
};

/// A bot with its visible state.
#[async_trait(?Send)]
pub trait Chat {
    /// Posts this webhook as LINE does, and asserts that it is taken.
    async fn takes(&self, webhook: Value);
    /// Waits until no job is left.
    async fn drains(&self);
    fn line(&self) -> &Line;
    fn model(&self) -> &Model;
    /// Opens its history as another process does.
    fn history(&self) -> Box<dyn History>;
    /// Returns everything that is stored, in one text.
    async fn kept(&self) -> String;
    /// Removes the kind of message from all rows, as in those that earlier versions wrote.
    async fn loses_kinds(&self);
    /// Counts the dead letters.
    async fn letters(&self) -> usize;
    /// Returns the details of all dead letters.
    async fn details(&self) -> Vec<String>;
    /// Redrives every dead letter.
    async fn redrives(&self);
    /// Sends a job to the queue without the accept stage.
    async fn queues(&self, job: Job);
}

#[async_trait(?Send)]
impl Chat for OnOneMachine {
    async fn takes(&self, webhook: Value) {
        assert_eq!(self.posts(webhook.to_string()).await, 200);
    }

    async fn drains(&self) {
        self.drain().await;
    }

    fn line(&self) -> &Line {
        &self.line
    }

    fn model(&self) -> &Model {
        &self.model
    }

    fn history(&self) -> Box<dyn History> {
        Box::new(SqliteHistory::new(Database::open(&self.database()).unwrap(), None))
    }

    async fn kept(&self) -> String {
        ["messages", "turns", "conversations", "unsent", "said", "unanswered", "jobs", "letters"]
            .map(|table| self.sql(&format!("SELECT * FROM {table}")).join("\n"))
            .join("\n")
    }

    async fn loses_kinds(&self) {
        for table in ["messages", "unanswered"] {
            self.sql(&format!("UPDATE {table} SET kind = NULL"));
        }
    }

    async fn letters(&self) -> usize {
        OnOneMachine::letters(self).await.as_array().unwrap().len()
    }

    async fn details(&self) -> Vec<String> {
        let letters = OnOneMachine::letters(self).await;
        let detail = |letter: &Value| letter["detail"].as_str().unwrap().to_owned();
        letters.as_array().unwrap().iter().map(detail).collect()
    }

    async fn redrives(&self) {
        OnOneMachine::redrives(self).await;
    }

    async fn queues(&self, job: Job) {
        let queue = SqliteQueue::new(Database::open(&self.database()).unwrap(), wall_clock());
        queue.send(&[job]).await.unwrap();
    }
}

#[async_trait(?Send)]
impl Chat for OnLambda {
    async fn takes(&self, webhook: Value) {
        assert_eq!(self.status(payload_2(&webhook.to_string())).await, 200);
    }

    async fn drains(&self) {
        self.cloud.is_drained().await;
    }

    fn line(&self) -> &Line {
        &self.line
    }

    fn model(&self) -> &Model {
        &self.model
    }

    fn history(&self) -> Box<dyn History> {
        Box::new(DynamoHistory::new(&self.cloud.sdk, TABLE.to_owned(), None))
    }

    async fn kept(&self) -> String {
        format!("{:?}", self.cloud.rows().await)
    }

    async fn loses_kinds(&self) {
        for row in self.cloud.rows().await {
            let update = self.cloud.dynamodb.update_item().table_name(TABLE).key("id", row["id"].clone());
            update.update_expression("REMOVE kind").send().await.unwrap();
        }
    }

    async fn letters(&self) -> usize {
        self.cloud.depth(&self.cloud.dlq_url).await
    }

    async fn details(&self) -> Vec<String> {
        let letters = self.cloud.letters(Chat::letters(self).await).await;
        letters.iter().map(|letter| attribute(letter, "Detail")).collect()
    }

    async fn redrives(&self) {
        for letter in self.cloud.letters(self.letters().await).await {
            let job = Job::decode(letter.body().unwrap()).unwrap();
            let job = Job { run: letter.message_id, ..job };
            self.is_sent(&job.encode(), &job.group(), &format!("{}:r", job.event_id)).await;
        }
    }

    async fn queues(&self, job: Job) {
        self.is_sent(&job.encode(), &job.group(), job.event_id.as_str()).await;
    }
}

/// Makes a test of a story for both back ends, with these variables.
macro_rules! story {
    ($name:ident $(, $variable:literal = $value:literal)*) => {
        mod $name {
            const VARIABLES: &[(&str, &str)] = &[$(($variable, $value)),*];

            #[tokio::test]
            async fn on_one_machine() {
                super::told::$name(&crate::harness::local::Bot::with(VARIABLES, |_| {}).await).await;
            }

            #[tokio::test]
            async fn on_lambda() {
                // Lambda gives other conversations to another worker while one is busy.
                let mut bot = crate::harness::lambda::bot::Bot::with(VARIABLES).await;
                bot.gets_another_worker().await;
                super::told::$name(&bot).await;
                bot.ends().await;
            }
        }
    };
}
pub(crate) use story;

/// Makes a refusal of LINE's or a model's server that is too busy for these seconds.
pub fn busy(seconds: &str) -> Fault {
    Fault::Respond(429, vec![("retry-after", seconds.to_owned())], "{}".to_owned())
}

/// Makes a user's message, as LINE posts it.
pub fn says(text: &str) -> Value {
    webhook_of(text, USER)
}

/// Makes another event of a user.
pub fn does(kind: &str, more: &Value) -> Value {
    let mut event = webhook_of("", USER);
    let it = event["events"][0].as_object_mut().unwrap();
    it.remove("message");
    it.insert("type".into(), kind.into());
    it.insert("webhookEventId".into(), Uuid::new_v4().simple().to_string().into());
    it.extend(more.as_object().unwrap().clone());
    event
}

/// Makes the unsend of a message.
pub fn takes_back(message: &Value) -> Value {
    let id = &message["events"][0]["message"]["id"];
    does("unsend", &json!({ "replyToken": null, "unsend": { "messageId": id } }))
}

/// Returns a content of a prompt without the text about LINE and the bot, and without the note.
pub fn without_additions(content: &str) -> &str {
    see::without_note(content.split("\n\nYou chat on LINE").next().unwrap_or_default())
}

/// Returns the contents of a prompt's messages without these additions.
pub fn contents(request: &Value) -> Vec<&str> {
    let messages = request["messages"].as_array().unwrap();
    messages.iter().map(|message| without_additions(message["content"].as_str().unwrap())).collect()
}

/// Returns all prompts without the system message and the notes.
pub fn prompts(chat: &dyn Chat) -> Vec<Vec<String>> {
    let prompt = |body: &Value| body["messages"].as_array().unwrap()[1..].iter().map(see::text).collect();
    chat.model().asked().iter().map(|seen| prompt(&seen.body)).collect()
}

pub fn said(chat: &dyn Chat) -> Vec<String> {
    chat.line().sent().into_iter().flat_map(|sent| sent.texts).collect()
}

/// Returns a list to which the id of each later message of the bot is added.
pub fn notes_ids(chat: &dyn Chat) -> Arc<Mutex<Vec<String>>> {
    let ids = Arc::<Mutex<Vec<String>>>::default();
    let noted = ids.clone();
    chat.line().shows(move |_, arrival| {
        if let Arrival::Messages { messages, .. } = arrival {
            noted.lock().unwrap().extend(messages.into_iter().map(|(id, ..)| id));
        }
    });
    ids
}

/// Makes the job of a message, for the history.
pub fn job_of(message: &Value) -> Job {
    let event = &message["events"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let message_id = text(&event["message"]["id"]).try_into().ok();
    let event = EventId::try_from(text(&event["webhookEventId"])).unwrap();
    Job::new(event, ConversationId::of_known_id(USER.to_owned()).unwrap(), JobKind::question("", message_id))
}

pub async fn forgets(chat: &dyn Chat) {
    let of = job_of(&says("")).conversation;
    let now = wall_clock()();
    chat.history().forget(&of, Forget::Messages(now.as_millisecond()), now).await.unwrap();
}

pub async fn is_unsent(chat: &dyn Chat, message: &Value) {
    let (history, job) = (chat.history(), job_of(message));
    for _ in 0..2_000 {
        if history.conversation_changes(&job, (wall_clock())()).await.unwrap().unsent {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("the message is not taken back");
}

pub async fn is_asked(chat: &dyn Chat, times: usize) {
    until("the model is not asked", || chat.model().asked().len() >= times).await;
}

pub async fn until(otherwise: &str, is_so: impl Fn() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("{otherwise}");
}

/// The time that the model takes where something has to happen meanwhile.
pub const SLOW: Fault = Fault::After(Duration::from_secs(2));
