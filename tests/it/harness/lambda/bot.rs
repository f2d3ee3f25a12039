//! A bot on Lambda: both functions, an account of AWS, and emulators of LINE and the model over HTTP. At its end it
//! asserts that no job is left and that the log has no errors but those of dead letters.

use std::{sync::Arc, time::Duration};

use aws_sdk_sqs::types::Message;
use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use cli::commands::send::webhook_of;
use emulator::{
    line::{Line, PUSH, Sent},
    model::{Model, see},
};
use ingress::signature;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    time::{sleep, timeout},
};

use super::{
    cloud::{CHANNEL_SECRET, Cloud, PATIENCE},
    functions::{EventSource, Lambda, record},
};
use crate::harness::log_lines::{Kind, is_of};

pub const USER: &str = "U4af4980629000000000000000000000a";
/// The time for which API Gateway waits for the ingress at most.
pub const INGRESS_TIME: Duration = Duration::from_secs(10);
/// The time that an invocation of the worker may take.
const WORKER_TIME: Duration = Duration::from_mins(1);
const PATH: &str = "/v1/line/bot/message/reply";

pub struct Bot {
    pub cloud: Arc<Cloud>,
    pub ingress: Lambda,
    pub worker: Arc<Lambda>,
    pub line: Arc<Line>,
    pub model: Arc<Model>,
    sources: Vec<EventSource>,
    pub variables: Vec<(String, String)>,
}

impl Bot {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// Starts it with these variables in addition to a deployment's.
    pub async fn with(further: &[(&str, &str)]) -> Self {
        let mut bot = Self::quiet(further).await;
        bot.is_brought_jobs(WORKER_TIME);
        bot
    }

    /// Starts it without an event source, so that its worker gets no jobs yet.
    pub async fn quiet(further: &[(&str, &str)]) -> Self {
        let cloud = Arc::new(Cloud::start().await);
        let line = Line::new();
        let model = Model::new(Duration::ZERO, |messages| {
            format!("answer to {}", see::said(messages.last().unwrap()))
        });
        let mut variables = cloud.variables();
        let line_url = host(line.clone().router()).await;
        let addresses = [
            ("LINE_DATA_API_BASE_URL", line_url.clone()),
            ("LINE_API_BASE_URL", line_url),
            ("OPENAI_BASE_URL", host(model.clone().router()).await + "/v1"),
            ("LOCALE", "en".to_owned()),
        ];
        variables.extend(addresses.map(|(name, value)| (name.to_owned(), value)));
        variables.extend(further.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let ingress = Lambda::start("ingress", &variables).await;
        let worker = Arc::new(Lambda::start("worker", &variables).await);
        Self { cloud, ingress, worker, line, model, sources: vec![], variables }
    }

    /// Returns the value of one of its variables.
    pub fn variable(&self, name: &str) -> String {
        self.variables.iter().find(|(other, _)| other == name).unwrap().1.clone()
    }

    /// Connects the event source, which gives the worker this time for each batch.
    pub fn is_brought_jobs(&mut self, time: Duration) {
        self.sources.push(EventSource::start(self.cloud.clone(), self.worker.clone(), time));
    }

    /// Starts one more worker with an event source, as Lambda does.
    pub async fn gets_another_worker(&mut self) {
        self.worker = Arc::new(Lambda::start("worker", &self.variables).await);
        self.is_brought_jobs(WORKER_TIME);
    }

    /// Returns the status that the ingress answers to an API Gateway event.
    pub async fn status(&self, event: Value) -> u64 {
        let text = event["body"].as_str().unwrap_or_default();
        let body = STANDARD.decode(text).unwrap_or_else(|_| text.into());
        self.line.sends(&serde_json::from_slice(&body).unwrap_or_default(), tokio::time::Instant::now());
        let response = self.ingress.invoke(event, INGRESS_TIME).await.unwrap();
        response["statusCode"].as_u64().unwrap()
    }

    /// Posts a webhook with this text of a user, and asserts that the ingress accepts it.
    pub async fn hears(&self, text: &str) {
        self.hears_from(USER, text).await;
    }

    pub async fn hears_from(&self, user: &str, text: &str) {
        assert_eq!(self.status(payload_2(&webhook_of(text, user).to_string())).await, 200);
    }

    /// Waits until the model was asked this number of times.
    pub async fn asks(&self, times: usize) {
        let asked = async {
            while self.model.asked().len() < times {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, asked).await.expect("the model is not asked");
    }

    /// Kills the worker and starts another one, as Lambda does.
    pub async fn worker_is_killed(&mut self) {
        self.worker_dies();
        self.gets_another_worker().await;
    }

    /// Kills the worker.
    pub fn worker_dies(&mut self) {
        self.worker.kill();
        self.sources.clear();
    }

    /// Receives waiting messages as the event source does, and invokes the worker with them.
    pub async fn works_on_a_batch(&self, of: usize, time: Duration) -> (Vec<Message>, Value) {
        let messages = self.cloud.receive(&self.cloud.queue_url, Duration::from_secs(1)).await;
        assert_eq!(messages.len(), of);
        let event = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() });
        let response = self.worker.invoke(event, time).await.expect("Lambda would have killed it");
        (messages, response["batchItemFailures"].clone())
    }

    /// Sends a job to the queue without the ingress.
    pub async fn is_sent(&self, body: &str, group: &str, deduplication_id: &str) {
        let send = self.cloud.sqs.send_message().queue_url(&self.cloud.queue_url).message_body(body);
        send.message_group_id(group).message_deduplication_id(deduplication_id).send().await.unwrap();
    }

    /// Waits until this number of pushes was tried.
    pub async fn pushes(&self, times: usize) {
        let tried = async {
            while self.line.faults.seen(PUSH).len() < times {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, tried).await.expect("nothing is pushed");
    }

    /// Returns every push that was tried, accepted or not: retry key and body.
    pub fn pushes_tried(&self) -> Vec<(String, Value)> {
        let seen = self.line.faults.seen(PUSH);
        seen.into_iter().map(|seen| (seen.headers["x-line-retry-key"].clone(), seen.body)).collect()
    }

    /// Returns all messages to its users, once no job is left.
    pub async fn said(&self) -> Vec<(String, String)> {
        self.cloud.is_drained().await;
        let sent = self.line.sent().into_iter();
        sent.flat_map(|sent| sent.texts.into_iter().map(move |text| (sent.to.clone(), text))).collect()
    }

    /// Waits until this number of pushes was accepted in all, and returns them.
    pub async fn says(&self, pushes: usize) -> Vec<Sent> {
        let mut sent = self.line.watch();
        let enough = timeout(PATIENCE, sent.wait_for(|all| all.len() >= pushes)).await;
        enough.expect("the bot says nothing").unwrap().clone()
    }

    /// Asserts that no job is left.
    pub async fn ends(self) {
        self.cloud.is_drained().await;
        for line in self.worker.log().iter().chain(&self.ingress.log()) {
            let line: Value = serde_json::from_str(line).expect("a log line is a JSON object");
            assert!(line["level"] != "ERROR" || is_of(&line, Kind::DeadLettered), "{line}");
        }
    }
}

pub async fn host(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}

pub fn sign(body: &str) -> String {
    signature::sign(&CHANNEL_SECRET.into(), body.as_bytes())
}

/// Makes the event of a REST API.
pub fn payload_1(body: &str, signature: &str) -> Value {
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

/// Makes the event of an HTTP API, with the body in base64.
pub fn payload_2(body: &str) -> Value {
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
