//! LINE with its console, a model, a deployment, and its parameters.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_sqs::types::QueueAttributeName;
use aws_sdk_ssm::types::ParameterType;
use axum::{Router, http::StatusCode, routing::post};
use emulator::{
    line::{Line, webhook::Webhooks},
    model::Model,
};
use serde_json::json;
use worker::clock::wall_clock;

use super::{
    bot::host,
    cloud::{CHANNEL_SECRET, Cloud, TABLE},
};
use crate::harness::operator::Operator;

const PREFIX: &str = "/henji/dev/";
/// The input of `secrets put`.
pub const SECRETS: &str =
    "LINE_CHANNEL_SECRET=a-secret\nLINE_CHANNEL_ACCESS_TOKEN=a-token\nOPEN_AI_API_KEY=a-key\n";

/// LINE with its console, and a model.
pub struct World {
    pub line: Arc<Line>,
    pub model: Arc<Model>,
    pub webhooks: Arc<Webhooks>,
    /// The variables with their addresses.
    pub variables: [(String, String); 2],
}

impl World {
    /// Starts it with a bot that answers LINE's webhooks with this status.
    pub async fn with_bot(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap();
        let bot = host(Router::new().route("/webhook", post(async move || status))).await;
        Self::with_endpoint(&format!("{bot}/webhook")).await
    }

    pub async fn with_endpoint(endpoint: &str) -> Self {
        let (line, model) = (Line::new(), Model::new(Duration::ZERO, |_| String::new()));
        let webhooks = Arc::new(Webhooks {
            line: line.clone(),
            secret: CHANNEL_SECRET.into(),
            endpoint: Mutex::new(endpoint.to_owned()),
            again: vec![],
            http: worker::adapters::http::client().unwrap(),
            clock: wall_clock(),
            on_delivery: Box::new(|_| {}),
        });
        let variables = [
            ("LINE_API_BASE_URL", host(line.clone().router().merge(webhooks.clone().router())).await),
            ("OPENAI_BASE_URL", host(model.clone().router()).await + "/v1"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        Self { line, model, webhooks, variables }
    }

    pub fn endpoint(&self) -> String {
        self.webhooks.endpoint.lock().unwrap().clone()
    }

    pub fn operator(&self, cloud: &Cloud) -> Operator {
        let [line, model] = &self.variables;
        let further = [(line.0.as_str(), line.1.as_str()), (&model.0, &model.1), ("BASE_SECRET_PATH", "")];
        Operator::of(cloud, &further)
    }
}

/// Writes the parameters that a deployment writes.
pub async fn is_deployed(cloud: &Cloud, webhook: &str) {
    let ssm = aws_sdk_ssm::Client::new(&cloud.sdk);
    for (name, value) in [
        ("QUEUE_URL", cloud.queue_url.as_str()),
        ("DLQ_URL", &cloud.dlq_url),
        ("TABLE_NAME", TABLE),
        ("WEBHOOK_URL", webhook),
        ("GPT_MODEL", "gpt-5.4-mini"),
        ("WORKER_TIMEOUT_SECONDS", "60"),
    ] {
        let put = ssm.put_parameter().name(format!("{PREFIX}{name}")).value(value).overwrite(true);
        put.r#type(ParameterType::String).send().await.unwrap();
    }
}

/// Sets a redrive policy: SQS itself moves a message after this number of receives to the dead-letter queue.
pub async fn has_redrive_policy(cloud: &Cloud, receives: u32) {
    let arn = format!("arn:aws:sqs:ap-northeast-1:{}:letters.fifo", cloud.account());
    let policy = json!({ "deadLetterTargetArn": arn, "maxReceiveCount": receives }).to_string();
    let set = cloud.sqs.set_queue_attributes().queue_url(&cloud.queue_url);
    set.attributes(QueueAttributeName::RedrivePolicy, policy).send().await.unwrap();
}
