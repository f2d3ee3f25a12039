//! Both functions behind the gate: all their requests pass it, also those to the Runtime API, which tell Lambda what
//! is done. A job that is not done is shown again at once, as when its lease ends.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_sqs::types::Message;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Command, time::sleep};

use super::{OPERATOR, Pipeline, REDRIVE, Stage, gate::Gate, store::Store};
use crate::harness::{
    lambda::{
        bot::{INGRESS_TIME, payload_2},
        cloud::{Cloud, endpoint},
        functions::{Lambda, record},
    },
    process::henji,
};

/// The time for which a message that is handed back is not shown again.
const HANDED_BACK: Duration = Duration::from_millis(1_100);
/// The time that an invocation of the worker may take.
const WORKER_TIME: Duration = Duration::from_mins(1);

pub struct OnLambda {
    cloud: Arc<Cloud>,
    gate: Arc<Gate>,
    ingress: Function,
    worker: Function,
    /// The variables and folder of the operator.
    operator: Vec<(String, String)>,
    folder: TempDir,
}

/// One of the functions, and its process if there is one.
struct Function {
    name: &'static str,
    variables: Vec<(String, String)>,
    process: Option<Lambda>,
    log: Vec<String>,
}

impl OnLambda {
    pub async fn start(stage: &Stage) -> (Arc<Gate>, Store, Box<dyn Pipeline>) {
        let cloud = Arc::new(Cloud::start().await);
        let store = Store::Lambda(cloud.clone());
        let gate = Gate::new(store.clone(), stage.fault.clone());
        let function = async |name| {
            let aws = gate.before(name, endpoint()).await;
            let line = gate.before(name, stage.line_url.clone()).await;
            let model = gate.before(name, stage.model_url.clone()).await;
            let mut variables = variables_behind(&cloud, aws);
            let addresses = [
                ("LINE_API_BASE_URL", line.clone()),
                ("LINE_DATA_API_BASE_URL", line),
                ("OPENAI_BASE_URL", format!("{model}/v1")),
                ("LOCALE", "en".to_owned()),
            ];
            variables.extend(addresses.map(|(name, value)| (name.to_owned(), value)));
            variables.extend(stage.variables());
            Function { name, variables, process: None, log: vec![] }
        };
        let (ingress, worker) = (function("ingress").await, function("worker").await);
        let operator = variables_behind(&cloud, gate.before(OPERATOR, endpoint()).await);
        let folder = TempDir::new().unwrap();
        (gate.clone(), store, Box::new(Self { cloud, gate, ingress, worker, operator, folder }))
    }

    /// Deletes the message, because the job is done.
    async fn deletes(&self, message: &Message) {
        let receipt = message.receipt_handle.as_deref().unwrap();
        let delete = self.cloud.sqs.delete_message().queue_url(&self.cloud.queue_url).receipt_handle(receipt);
        if let Err(error) = delete.send().await {
            // The worker itself deletes messages that end early. SQS would not report an error.
            assert!(error.into_service_error().is_receipt_handle_is_invalid());
        }
    }

    /// Makes the message visible again.
    async fn shows(&self, message: &Message) {
        let receipt = message.receipt_handle.as_deref().unwrap();
        let show = self.cloud.sqs.change_message_visibility().queue_url(&self.cloud.queue_url);
        // A message that the worker itself deleted is not there any more.
        let _ = show.receipt_handle(receipt).visibility_timeout(0).send().await;
    }
}

/// Returns the account's variables with another address of AWS.
fn variables_behind(cloud: &Cloud, address: String) -> Vec<(String, String)> {
    let mut variables = cloud.variables();
    variables.retain(|(name, _)| name != "AWS_ENDPOINT_URL");
    variables.push(("AWS_ENDPOINT_URL".to_owned(), address));
    variables
}

impl Function {
    /// Returns the answer, in a new process if there is none; `None` if the process ends instead.
    async fn invoke(&mut self, gate: &Arc<Gate>, event: Value, time: Duration) -> Option<Value> {
        let mut process = if let Some(process) = self.process.take() {
            process
        } else {
            let through = async |api| {
                gate.before(self.name, format!("http://{api}")).await.trim_start_matches("http://").to_owned()
            };
            let process = Lambda::behind(self.name, &self.variables, through).await;
            gate.knows(self.name, process.pid());
            process
        };
        let answer = process.invoke_if_it_lives(event, time).await;
        if answer.is_some() {
            self.process = Some(process);
        } else {
            self.log.extend(process.log());
        }
        answer
    }

    fn log(&self) -> String {
        let log = self.process.as_ref().map(Lambda::log).unwrap_or_default();
        let lines = self.log.iter().chain(&log).map(|line| format!("{}: {line}", self.name));
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[async_trait]
impl Pipeline for OnLambda {
    async fn takes(&mut self, webhook: &Value) -> bool {
        let event = payload_2(&webhook.to_string());
        let answer = self.ingress.invoke(&self.gate, event, INGRESS_TIME).await;
        answer.is_some_and(|answer| answer["statusCode"] == 200)
    }

    async fn works(&mut self) -> bool {
        if self.cloud.depth(&self.cloud.queue_url).await == 0 {
            return true;
        }
        let messages = self.cloud.receive(&self.cloud.queue_url, Duration::from_secs(1)).await;
        if messages.is_empty() {
            return false;
        }
        let event = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() });
        let answer = self.worker.invoke(&self.gate, event, WORKER_TIME).await;
        if answer.as_ref().is_some_and(|answer| answer["batchItemFailures"] != json!([])) {
            // Pauses are cut short. But images wait for words, and without this they would be received dozens of times.
            sleep(HANDED_BACK).await;
        }
        for message in &messages {
            let is_it = |failure: &Value| failure["itemIdentifier"] == json!(message.message_id);
            let failures = answer.as_ref().map(|answer| answer["batchItemFailures"].as_array().unwrap());
            if failures.is_some_and(|failures| !failures.iter().any(is_it)) {
                self.deletes(message).await;
            } else {
                self.shows(message).await;
            }
        }
        false
    }

    async fn redrives(&mut self) -> bool {
        let mut redrive = Command::new(henji());
        redrive.args(REDRIVE).current_dir(self.folder.path()).env_clear();
        redrive.envs(self.operator.iter().cloned());
        // A letter that a killed redrive held is invisible for a while.
        if self.gate.runs(OPERATOR, &mut redrive).await && self.cloud.depth(&self.cloud.dlq_url).await == 0 {
            return true;
        }
        sleep(Duration::from_secs(3)).await;
        false
    }

    fn log(&self) -> String {
        [self.ingress.log(), self.worker.log()].join("\n")
    }
}
