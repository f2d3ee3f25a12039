//! The pipeline on Lambda: the real functions against the real Runtime API protocol, with AWS, LINE and
//! the model stood in for over HTTP.

use std::{sync::Arc, time::Duration};

use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use cli::{
    send::webhook_of,
    standin::{
        Act,
        line::{Line, Sent},
        model::Model,
    },
};
use ingress::signature;
use serde_json::{Value, json};
use shared::job::{EventId, Job};
use tokio::{
    net::TcpListener,
    time::{Instant, sleep, timeout},
};
use worker::{conversation::Role, deliver::retry_key, history::row_id};

use emulator::{CHANNEL_SECRET, Cloud, Row};
use functions::{EventSource, Lambda};

pub mod emulator;
mod functions;
mod runtime_api;

/// A text message as LINE's Java SDK has it in its tests.
const FIXTURE: &str = include_str!("../fixtures/line-webhooks/java-webhook-redelivery.json");
const FIXTURE_EVENT: &str = "01G2KZKG2DS765NMRH3GZFD8AP";
const FIXTURE_USER: &str = "u206d25c2ea6bd87c17655609a1c37cb8";
const USER: &str = "U4af4980629000000000000000000000a";
const PATH: &str = "/v1/line/bot/message/reply";
/// How long API Gateway would wait for the ingress at most.
const INGRESS_TIME: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(20);

struct Bot {
    cloud: Arc<Cloud>,
    ingress: Lambda,
    worker: Arc<Lambda>,
    line: Arc<Line>,
    model: Arc<Model>,
    source: EventSource,
    variables: Vec<(String, String)>,
}

impl Bot {
    async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With these variables beside a deployment's.
    async fn with(further: &[(&str, &str)]) -> Self {
        let cloud = Arc::new(Cloud::start().await);
        let line = Line::new();
        let model = Model::new(Duration::ZERO, |messages| {
            format!("answer to {}", messages.last().unwrap()["content"].as_str().unwrap())
        });
        let mut variables = cloud.variables();
        let addresses = [
            ("LINE_API_BASE_URL", host(line.clone().router()).await),
            ("OPENAI_BASE_URL", host(model.clone().router()).await + "/v1"),
            ("LOCALE", "en".to_owned()),
        ];
        variables.extend(addresses.map(|(name, value)| (name.to_owned(), value)));
        variables.extend(further.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let ingress = Lambda::start("ingress", &variables).await;
        let worker = Arc::new(Lambda::start("worker", &variables).await);
        let source = EventSource::start(cloud.clone(), worker.clone());
        Self { cloud, ingress, worker, line, model, source, variables }
    }

    /// What the ingress answers to an API Gateway event.
    async fn status(&self, event: Value) -> u64 {
        let response = self.ingress.invoke(event, INGRESS_TIME).await.unwrap();
        response["statusCode"].as_u64().unwrap()
    }

    /// A user says this, and LINE's webhook is taken.
    async fn hears(&self, text: &str) {
        self.hears_from(USER, text).await;
    }

    async fn hears_from(&self, user: &str, text: &str) {
        assert_eq!(self.status(payload_2(&webhook_of(text, user).to_string())).await, 200);
    }

    /// Waits until the model was asked so often.
    async fn asks(&self, times: usize) {
        let asked = async {
            while self.model.asked().len() < times {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, asked).await.expect("the model is not asked");
    }

    /// The worker is killed, and Lambda starts another one.
    async fn worker_is_killed(&mut self) {
        let worker = Arc::new(Lambda::start("worker", &self.variables).await);
        self.source = EventSource::start(self.cloud.clone(), worker.clone());
        self.worker = worker;
    }

    /// Waits until so many pushes were accepted in all.
    async fn says(&self, pushes: usize) -> Vec<Sent> {
        let mut sent = self.line.watch();
        let enough = timeout(PATIENCE, sent.wait_for(|all| all.len() >= pushes)).await;
        enough.expect("the bot says nothing").unwrap().clone()
    }

    /// No job is left over.
    async fn ends(self) {
        self.cloud.is_drained().await;
        drop(self.source);
        for line in self.worker.log().iter().chain(&self.ingress.log()) {
            let line: Value = serde_json::from_str(line).expect("a log line is a JSON object");
            assert!(line["level"] != "ERROR" || line["message"] == "dead-lettered", "{line}");
        }
    }
}

async fn host(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

fn sign(body: &str) -> String {
    signature::sign(&CHANNEL_SECRET.into(), body.as_bytes())
}

/// A REST API's event.
fn payload_1(body: &str, signature: &str) -> Value {
    json!({
        "resource": PATH, "path": PATH, "httpMethod": "POST",
        "headers": { "X-Line-Signature": signature, "Content-Type": "application/json; charset=utf-8" },
        "multiValueHeaders": { "X-Line-Signature": [signature] },
        "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": null, "stageVariables": null,
        "requestContext": { "httpMethod": "POST", "path": PATH, "stage": "dev", "identity": { "sourceIp": "147.92.149.166" } },
        "body": body, "isBase64Encoded": false,
    })
}

/// An HTTP API's event, with the body in base64.
fn payload_2(body: &str) -> Value {
    json!({
        "version": "2.0", "routeKey": format!("POST {PATH}"), "rawPath": PATH, "rawQueryString": "",
        "headers": { "x-line-signature": sign(body), "content-type": "application/json; charset=utf-8" },
        "requestContext": {
            "http": { "method": "POST", "path": PATH, "protocol": "HTTP/1.1", "sourceIp": "147.92.149.166", "userAgent": "LineBotWebhook/2.0" },
            "stage": "$default", "timeEpoch": 0,
        },
        "body": STANDARD.encode(body), "isBase64Encoded": true,
    })
}

fn text<'a>(row: &'a Row, name: &str) -> &'a str {
    row[name].as_s().unwrap()
}

#[tokio::test]
async fn two_turns_of_one_user_and_the_second_remembers_the_first() {
    let bot = Bot::start().await;
    assert_eq!(bot.status(payload_1(FIXTURE, &sign(FIXTURE))).await, 200);
    let sent = bot.says(1).await;
    assert_eq!((sent[0].to.as_str(), &sent[0].texts[..]), (FIXTURE_USER, &["answer to Hello, world".to_owned()][..]));
    let event = EventId::try_from(FIXTURE_EVENT.to_owned()).unwrap();
    assert_eq!(sent[0].retry_key, Some(retry_key(&event, 0).to_string()));

    let second = webhook_of("こんにちは", FIXTURE_USER).to_string();
    assert_eq!(bot.status(payload_2(&second)).await, 200);
    assert_eq!(bot.says(2).await[1].texts, ["answer to こんにちは"]);
    let asked = bot.model.asked();
    let messages = asked[1].body["messages"].as_array().unwrap();
    let said: Vec<_> = messages[1..].iter().map(|m| (m["role"].as_str().unwrap(), m["content"].as_str().unwrap())).collect();
    assert_eq!(said, [("user", "Hello, world"), ("assistant", "answer to Hello, world"), ("user", "こんにちは")]);

    bot.cloud.is_drained().await;
    let rows = bot.cloud.rows().await;
    let row = |id: String| rows.iter().find(|row| text(row, "id") == id).unwrap();
    let question = row(row_id(&event, Role::User).to_string());
    let answer = row(row_id(&event, Role::Assistant).to_string());
    for (row, role, content) in [(question, "user", "Hello, world"), (answer, "assistant", "answer to Hello, world")] {
        let mut names: Vec<_> = row.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content", "createdAt", "id", "lineUserId", "role", "updatedAt"]);
        assert_eq!((text(row, "lineUserId"), text(row, "role"), text(row, "content")), (FIXTURE_USER, role, content));
        assert!(text(row, "createdAt").len() == 27 && text(row, "createdAt").ends_with('Z'));
    }
    assert!(text(question, "createdAt") < text(answer, "createdAt"));
    let turn = row(format!("turn#{FIXTURE_EVENT}"));
    assert_eq!(text(turn, "stage"), "delivered");
    assert!(!turn.contains_key("lineUserId") && !turn.contains_key("pushes") && turn.contains_key("expiresAt"));
    let head = row(format!("head#{FIXTURE_USER}"));
    assert!(!head.contains_key("lineUserId"));
    assert_eq!(head["turns"].as_l().unwrap().len(), 2);
    assert_eq!(rows.len(), 7, "two turns of two rows, their states, one head");
    bot.ends().await;
}

#[tokio::test]
async fn a_turn_that_the_index_does_not_show_yet_is_in_the_prompt() {
    let bot = Bot::start().await;
    bot.hears("first").await;
    bot.says(1).await;
    bot.cloud.is_drained().await;
    // Out of the index, as a row is that has not arrived in it.
    for row in bot.cloud.rows().await.iter().filter(|row| row.contains_key("lineUserId")) {
        let update = bot.cloud.dynamodb.update_item().table_name(emulator::TABLE).key("id", row["id"].clone());
        update.update_expression("REMOVE lineUserId").send().await.unwrap();
    }
    bot.hears("second").await;
    bot.says(2).await;
    assert_eq!(bot.model.asked()[1].body["messages"].as_array().unwrap().len(), 4);
    bot.ends().await;
}

#[tokio::test]
async fn the_history_of_the_articles_own_bot_is_read_and_followed() {
    let bot = Bot::start().await;
    let tomorrow = "2099-01-01T09:00:00.000001";
    for (role, content, at) in [("user", "old question", "2099-01-01T09:00:00.000000"), ("assistant", "old answer", tomorrow)] {
        let s = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
        let put = bot.cloud.dynamodb.put_item().table_name(emulator::TABLE).item("id", s(content));
        let put = put.item("lineUserId", s(USER)).item("role", s(role)).item("content", s(content));
        put.item("createdAt", s(at)).send().await.unwrap();
    }
    bot.hears("new").await;
    bot.says(1).await;
    bot.hears("newer").await;
    bot.says(2).await;
    let asked = bot.model.asked();
    let said: Vec<_> = asked[1].body["messages"].as_array().unwrap()[1..].iter().map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(said, ["old question", "old answer", "new", "answer to new", "newer"]);
    bot.ends().await;
}

#[tokio::test]
async fn a_wrong_signature_is_refused_and_nothing_is_queued() {
    let bot = Bot::start().await;
    let forged = signature::sign(&"another secret".into(), FIXTURE.as_bytes());
    assert_eq!(bot.status(payload_1(FIXTURE, &forged)).await, 401);
    assert_eq!(bot.cloud.depth(&bot.cloud.queue_url).await, 0);
    assert!(bot.cloud.rows().await.is_empty() && bot.model.asked().is_empty());
    bot.ends().await;
}

#[tokio::test]
async fn a_job_nobody_can_answer_is_a_letter_and_its_user_is_told_once() {
    let bot = Bot::start().await;
    bot.model.fails(400, "invalid_request_error");
    assert_eq!(bot.status(payload_1(FIXTURE, &sign(FIXTURE))).await, 200);
    let letter = bot.cloud.letter().await;
    let attribute = |name: &str| letter.message_attributes.as_ref().unwrap()[name].clone();
    let value = |name: &str| attribute(name).string_value.unwrap();
    assert_eq!(value("Reason"), "model_refused");
    assert!(value("Detail").contains("status 400"), "{}", value("Detail"));
    assert_eq!((attribute("Attempts").data_type.as_str(), value("Attempts").as_str()), ("Number", "1"));
    assert!(value("FailedAt").parse::<jiff::Timestamp>().is_ok());
    let job = Job::decode(letter.body.as_deref().unwrap()).unwrap();
    assert_eq!((job.event_id.as_str(), job.conversation.as_str()), (FIXTURE_EVENT, FIXTURE_USER));

    assert_eq!(bot.says(1).await[0].to, FIXTURE_USER);
    bot.cloud.is_drained().await;
    assert_eq!(bot.line.sent().len(), 1);
    assert!(bot.cloud.rows().await.iter().all(|row| !row.contains_key("lineUserId")));
    bot.ends().await;
}

#[tokio::test]
async fn a_message_that_is_no_job_is_a_letter_and_its_conversation_goes_on() {
    let bot = Bot::start().await;
    let send = bot.cloud.sqs.send_message().queue_url(&bot.cloud.queue_url).message_body("not a job");
    send.message_group_id(USER).message_deduplication_id("poison").send().await.unwrap();
    bot.hears("hello").await;
    assert_eq!(bot.says(1).await[0].texts, ["answer to hello"]);
    let letter = bot.cloud.letter().await;
    assert_eq!(letter.body.as_deref(), Some("not a job"));
    assert_eq!(letter.message_attributes.unwrap()["Reason"].string_value.as_deref(), Some("job_unreadable"));
    bot.ends().await;
}

#[tokio::test]
async fn the_same_job_twice_is_one_model_call_and_one_push() {
    let bot = Bot::start().await;
    let job = json!({ "v": 1, "eventId": "twice", "conversation": USER, "kind": "question", "text": "once" }).to_string();
    for copy in ["a", "b"] {
        let send = bot.cloud.sqs.send_message().queue_url(&bot.cloud.queue_url).message_body(&job);
        send.message_group_id(USER).message_deduplication_id(copy).send().await.unwrap();
    }
    bot.says(1).await;
    bot.cloud.is_drained().await;
    assert_eq!((bot.model.asked().len(), bot.line.sent().len()), (1, 1));
    bot.ends().await;
}

#[tokio::test]
async fn a_function_without_its_settings_says_in_one_line_what_is_missing() {
    for (name, variable) in [("ingress", "BASE_SECRET_PATH"), ("worker", "BASE_SECRET_PATH")] {
        let function = Lambda::start(name, &[]).await;
        let log = function.ended().await;
        assert_eq!(log.len(), 1, "{log:?}");
        assert!(log[0].contains(&format!("{variable} is not set")), "{log:?}");
    }
}

#[tokio::test]
async fn a_fault_that_passes_is_tried_again_early_and_in_order() {
    let bot = Bot::start().await;
    // Longer than is waited for within an attempt, much shorter than the queue's own time-out.
    bot.model.does(Act::Respond(503, vec![("retry-after", "6".to_owned())], String::new()));
    bot.hears("first").await;
    bot.hears("second").await;
    let said: Vec<_> = bot.says(2).await.into_iter().flat_map(|sent| sent.texts).collect();
    assert_eq!(said, ["answer to first", "answer to second"]);
    assert_eq!(bot.model.asked().len(), 3);
    bot.ends().await;
}

#[tokio::test]
async fn a_job_whose_worker_is_killed_is_taken_up_when_its_lease_ends() {
    let mut bot = Bot::with(&[("LEASE_SECONDS", "2")]).await;
    bot.model.does(Act::Hang);
    bot.hears("hello").await;
    bot.asks(1).await;
    bot.worker_is_killed().await;
    assert_eq!(bot.says(1).await[0].texts, ["answer to hello"]);
    bot.ends().await;
}

#[tokio::test]
async fn a_slow_answer_stays_with_its_worker_however_short_the_lease() {
    let bot = Bot::with(&[("LEASE_SECONDS", "2")]).await;
    bot.model.does(Act::After(Duration::from_secs(5)));
    bot.hears("hello").await;
    bot.asks(1).await;
    for _ in 0..4 {
        assert!(bot.cloud.receive(&bot.cloud.queue_url, Duration::from_secs(1)).await.is_empty());
    }
    bot.says(1).await;
    assert_eq!(bot.model.asked().len(), 1);
    bot.ends().await;
}

#[tokio::test]
async fn a_fast_user_does_not_wait_for_a_slow_stranger_in_the_same_batch() {
    let bot = Bot::start().await;
    // While this one is thought about, the other two come together into the next batch.
    bot.model.does(Act::After(Duration::from_secs(1)));
    bot.hears_from("U-first", "first").await;
    bot.asks(1).await;
    bot.model.does(Act::After(Duration::from_secs(4)));
    bot.hears_from("U-one", "one").await;
    bot.hears_from("U-other", "other").await;
    bot.says(2).await;
    let until = Instant::now() + Duration::from_secs(2);
    while bot.cloud.depth(&bot.cloud.queue_url).await > 1 {
        assert!(Instant::now() < until, "the fast one's message waits for the batch");
        sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(bot.line.sent().len(), 2, "the slow one still thinks");
    bot.says(3).await;
    bot.ends().await;
}

#[tokio::test]
async fn a_queue_that_hangs_costs_line_a_503_within_its_two_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_url = format!("http://{}", silent.local_addr().unwrap());
    let cloud = Cloud::start().await;
    let mut variables = cloud.variables();
    variables.push(("AWS_ENDPOINT_URL_SQS".to_owned(), silent_url.clone()));
    let ingress = Lambda::start("ingress", &variables).await;
    let status = async || {
        let started = Instant::now();
        let response = ingress.invoke(payload_1(FIXTURE, &sign(FIXTURE)), INGRESS_TIME).await.unwrap();
        (response["statusCode"].as_u64(), started.elapsed())
    };
    let (_, with_start) = status().await;
    assert!(with_start < Duration::from_secs(3), "{with_start:?}");
    let (code, warm) = status().await;
    assert_eq!(code, Some(503));
    assert!(warm < Duration::from_secs(2), "{warm:?}");

    variables.push(("AWS_ENDPOINT_URL_SSM".to_owned(), silent_url));
    let started = Instant::now();
    let log = Lambda::start("ingress", &variables).await.ended().await;
    assert!(log.len() == 1 && log[0].contains("LINE_CHANNEL_SECRET could not be read"), "{log:?}");
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
