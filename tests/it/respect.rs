//! People unsend messages, leave, and ask the bot to forget: each story runs on one machine and on Lambda.

use std::time::Duration;

use async_trait::async_trait;
use cli::commands::send::webhook_of;
use emulator::{
    faults::Fault,
    line::{Line, PUSH, REPLY},
    model::{COMPLETIONS, Model},
};
use ingress::queue::JobQueue;
use local::sqlite::{Database, history::SqliteHistory, queue::SqliteQueue};
use serde_json::{Value, json};
use shared::job::{Ask, ConversationId, EventId, Job};
use tokio::time::sleep;
use uuid::Uuid;
use worker::{
    adapters::dynamodb::DynamoHistory,
    clock::wall_clock,
    history::{Forget, History},
};

use crate::{
    aws::{
        bot::{Bot as OnLambda, payload_2},
        cloud::{TABLE, attribute},
    },
    bot::{Bot as OnOneMachine, USER},
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
                super::told::$name(&crate::bot::Bot::with(VARIABLES, |_| {}).await).await;
            }

            #[tokio::test]
            async fn on_lambda() {
                // Lambda gives other conversations to another worker while one is busy.
                let mut bot = crate::aws::bot::Bot::with(VARIABLES).await;
                bot.gets_another_worker().await;
                super::told::$name(&bot).await;
                bot.ends().await;
            }
        }
    };
}
pub(crate) use story;

story!(what_was_forgotten_is_in_no_later_prompt_and_no_row);
story!(an_answer_that_comes_after_forgetting_is_neither_stored_nor_said);
story!(what_is_redriven_after_forgetting_is_neither_asked_nor_said);
story!(a_message_taken_back_while_it_waits_is_never_asked);
story!(a_message_taken_back_while_it_is_answered_is_not_answered);
story!(a_message_taken_back_while_the_model_fails_is_not_spoken_of);
story!(a_message_taken_back_while_line_is_busy_is_not_answered);
story!(a_message_taken_back_while_line_takes_no_reply_is_not_answered, "DELIVERY" = "reply-first");
story!(a_conversation_forgotten_while_line_is_busy_leaves_no_dead_letter);
story!(a_message_taken_back_is_forgotten_with_its_answer);
story!(a_message_taken_back_before_it_arrives_is_not_answered);
story!(a_message_taken_back_that_nobody_knows_is_silence);
story!(an_answer_that_waits_for_a_redrive_goes_with_its_message);
story!(who_leaves_is_forgotten_and_who_comes_back_starts_anew);
story!(in_standby_nothing_is_said_and_what_is_taken_back_or_left_is_forgotten);

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

/// Returns all prompts without the persona.
pub fn prompts(chat: &dyn Chat) -> Vec<Vec<String>> {
    let content = |message: &Value| message["content"].as_str().unwrap().to_owned();
    let prompt = |body: &Value| body["messages"].as_array().unwrap()[1..].iter().map(content).collect();
    chat.model().asked().iter().map(|seen| prompt(&seen.body)).collect()
}

pub fn said(chat: &dyn Chat) -> Vec<String> {
    chat.line().sent().into_iter().flat_map(|sent| sent.texts).collect()
}

/// Makes the job of a message, for the history.
pub fn job_of(message: &Value) -> Job {
    let event = &message["events"][0];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let message_id = text(&event["message"]["id"]).try_into().ok();
    let event = EventId::try_from(text(&event["webhookEventId"])).unwrap();
    Job::new(event, ConversationId::of_known_id(USER.to_owned()).unwrap(), Ask::question("", message_id))
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

/// Marks the webhook as standby, while another service holds the chat.
fn in_standby(mut webhook: Value) -> Value {
    webhook["events"][0]["mode"] = "standby".into();
    webhook["events"][0].as_object_mut().unwrap().remove("replyToken");
    webhook
}

mod told {
    use super::*;

    pub(super) async fn in_standby_nothing_is_said_and_what_is_taken_back_or_left_is_forgotten(
        chat: &dyn Chat,
    ) {
        let (before, during) = (says("my secret is wisteria"), in_standby(says("another is hydrangea")));
        chat.takes(before.clone()).await;
        chat.drains().await;
        for webhook in [during.clone(), in_standby(takes_back(&during)), in_standby(takes_back(&before))] {
            chat.takes(webhook).await;
            chat.drains().await;
        }
        let kept = chat.kept().await;
        assert!(!kept.contains("wisteria") && !kept.contains("hydrangea"), "{kept}");
        chat.takes(says("hello")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[1..], [["hello"]]);
        for webhook in [does("follow", &json!({})), does("unfollow", &json!({}))] {
            chat.takes(in_standby(webhook)).await;
            chat.drains().await;
        }
        assert!(!chat.kept().await.contains("hello"), "{}", chat.kept().await);
        assert_eq!(said(chat), ["answer to my secret is wisteria", "answer to hello"]);
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn what_was_forgotten_is_in_no_later_prompt_and_no_row(chat: &dyn Chat) {
        for text in ["my secret is wisteria", "do you know it?"] {
            chat.takes(says(text)).await;
            chat.drains().await;
        }
        assert_eq!(prompts(chat)[1].len(), 3);
        assert!(chat.kept().await.contains("wisteria"));
        forgets(chat).await;
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
        chat.takes(says("what was it?")).await;
        chat.drains().await;
        chat.takes(says("and now?")).await;
        chat.drains().await;
        assert_eq!(
            prompts(chat)[2..],
            [
                vec!["what was it?".to_owned()],
                ["what was it?", "answer to what was it?", "and now?"].map(ToOwned::to_owned).to_vec(),
            ]
        );
    }

    pub(super) async fn an_answer_that_comes_after_forgetting_is_neither_stored_nor_said(chat: &dyn Chat) {
        chat.model().does(SLOW);
        chat.takes(says("my secret is wisteria")).await;
        is_asked(chat, 1).await;
        forgets(chat).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert!(!chat.kept().await.contains("wisteria"));
        chat.takes(says("hello")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[1], ["hello"]);
    }

    pub(super) async fn what_is_redriven_after_forgetting_is_neither_asked_nor_said(chat: &dyn Chat) {
        // The first message is never answered, and LINE refuses the answer to the second one.
        chat.model().fails(400, "invalid_request_error");
        chat.line().faults.plan_next(PUSH, Fault::Respond(400, vec![], "{}".into()));
        chat.takes(says("unanswered wisteria")).await;
        chat.drains().await;
        chat.line().fails(PUSH, 400, "on purpose");
        chat.takes(says("unpushed wisteria")).await;
        chat.drains().await;
        assert_eq!(chat.letters().await, 2);
        forgets(chat).await;
        let (told, asked) = (said(chat), prompts(chat).len());
        chat.redrives().await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len()), (told, asked));
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
    }

    pub(super) async fn a_message_taken_back_while_it_waits_is_never_asked(chat: &dyn Chat) {
        chat.model().does(SLOW);
        let (first, second) = (says("first"), says("second"));
        chat.takes(first).await;
        is_asked(chat, 1).await;
        chat.takes(second.clone()).await;
        chat.takes(takes_back(&second)).await;
        // The unsend overtakes the conversation, which is busy.
        is_unsent(chat, &second).await;
        assert_eq!(said(chat), [""; 0]);
        chat.drains().await;
        assert_eq!(said(chat), ["answer to first"]);
        assert_eq!(prompts(chat), [["first"]]);
        assert_eq!(chat.letters().await, 0);
    }

    pub(super) async fn a_message_taken_back_while_it_is_answered_is_not_answered(chat: &dyn Chat) {
        chat.model().does(SLOW);
        let message = says("my secret is wisteria");
        chat.takes(message.clone()).await;
        is_asked(chat, 1).await;
        chat.takes(takes_back(&message)).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_message_taken_back_while_the_model_fails_is_not_spoken_of(chat: &dyn Chat) {
        chat.model().does(Fault::Hang);
        let message = says("my secret is wisteria");
        chat.takes(message.clone()).await;
        is_asked(chat, 1).await;
        chat.takes(takes_back(&message)).await;
        is_unsent(chat, &message).await;
        let refusal = Fault::Respond(400, vec![], r#"{"error":{"code":"invalid_request_error"}}"#.into());
        chat.model().faults.set_fault(COMPLETIONS, Some(&refusal), false);
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert_eq!(prompts(chat).len(), 1, "it is not asked again");
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_message_taken_back_while_line_is_busy_is_not_answered(chat: &dyn Chat) {
        is_taken_back_while_line_is_busy(chat, PUSH).await;
    }

    pub(super) async fn a_message_taken_back_while_line_takes_no_reply_is_not_answered(chat: &dyn Chat) {
        is_taken_back_while_line_is_busy(chat, REPLY).await;
    }

    async fn is_taken_back_while_line_is_busy(chat: &dyn Chat, path: &str) {
        // LINE asks for the longest wait that fits into the attempt.
        chat.line().faults.plan_next(path, busy("5"));
        let message = says("my secret is wisteria");
        chat.takes(message.clone()).await;
        until("LINE is not asked", || !chat.line().faults.seen(path).is_empty()).await;
        chat.takes(takes_back(&message)).await;
        is_unsent(chat, &message).await;
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        let asked = [PUSH, REPLY].map(|path| chat.line().faults.seen(path).len());
        assert_eq!(asked.iter().sum::<usize>(), 1, "it is not tried again");
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_conversation_forgotten_while_line_is_busy_leaves_no_dead_letter(chat: &dyn Chat) {
        chat.line().faults.plan_next(PUSH, busy("5"));
        chat.takes(says("my secret is wisteria")).await;
        until("LINE is not asked", || !chat.line().faults.seen(PUSH).is_empty()).await;
        let user = ConversationId::of_known_id(USER.to_owned()).unwrap();
        let now = wall_clock()();
        chat.history().forget(&user, Forget::Everything(now.as_millisecond()), now).await.unwrap();
        chat.drains().await;
        assert_eq!((said(chat), chat.letters().await), (vec![], 0));
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_message_taken_back_is_forgotten_with_its_answer(chat: &dyn Chat) {
        let message = says("my secret is wisteria");
        for message in [message.clone(), says("hello")] {
            chat.takes(message).await;
            chat.drains().await;
        }
        chat.takes(takes_back(&message)).await;
        chat.drains().await;
        assert!(!chat.kept().await.contains("wisteria"));
        chat.takes(says("what was it?")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[2], ["hello", "answer to hello", "what was it?"]);
        assert_eq!(said(chat).len(), 3, "nothing is said of it");
    }

    pub(super) async fn a_message_taken_back_before_it_arrives_is_not_answered(chat: &dyn Chat) {
        let message = says("my secret is wisteria");
        chat.takes(takes_back(&message)).await;
        chat.drains().await;
        chat.takes(message).await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len(), chat.letters().await), (vec![], 0, 0));
        assert!(!chat.kept().await.contains("wisteria"));
    }

    pub(super) async fn a_message_taken_back_that_nobody_knows_is_silence(chat: &dyn Chat) {
        chat.takes(says("hello")).await;
        chat.drains().await;
        let unknown = takes_back(&says("sticker"));
        for _ in 0..2 {
            chat.takes(unknown.clone()).await;
            chat.drains().await;
        }
        assert_eq!((said(chat), chat.letters().await), (vec!["answer to hello".to_owned()], 0));
        chat.takes(says("again")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[1].len(), 3);
    }

    pub(super) async fn an_answer_that_waits_for_a_redrive_goes_with_its_message(chat: &dyn Chat) {
        let message = says("my secret is wisteria");
        chat.line().fails(PUSH, 400, "on purpose");
        chat.takes(message.clone()).await;
        chat.drains().await;
        assert_eq!(chat.letters().await, 1);
        let told = said(chat);
        chat.takes(takes_back(&message)).await;
        chat.drains().await;
        assert!(!chat.kept().await.contains("wisteria"), "{}", chat.kept().await);
        chat.redrives().await;
        chat.drains().await;
        assert_eq!((said(chat), prompts(chat).len()), (told, 1));
    }

    pub(super) async fn who_leaves_is_forgotten_and_who_comes_back_starts_anew(chat: &dyn Chat) {
        chat.takes(says("my secret is wisteria")).await;
        chat.drains().await;
        let leaves = does("unfollow", &json!({ "replyToken": null }));
        chat.takes(leaves.clone()).await;
        chat.drains().await;
        assert!(!chat.kept().await.contains("wisteria"));
        chat.takes(does("follow", &json!({ "follow": { "isUnblocked": true } }))).await;
        chat.takes(says("hello")).await;
        chat.drains().await;
        // LINE delivers the old unfollow again, long after the person came back.
        chat.takes(leaves).await;
        chat.takes(says("again")).await;
        chat.drains().await;
        assert_eq!(prompts(chat)[1..], [vec!["hello"], vec!["hello", "answer to hello", "again"]]);
        assert_eq!(chat.letters().await, 0);
    }
}
