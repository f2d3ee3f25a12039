//! The functions as Lambda runs them: the real binaries with a Runtime API, and the event source that brings SQS
//! messages to the worker.

use std::{
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_sdk_sqs::types::Message;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use super::{
    cloud::{Cloud, PATIENCE},
    runtime_api::{Failed, RuntimeApi, trace},
};
use crate::harness::secrecy::Private;

pub struct Lambda {
    name: &'static str,
    api: RuntimeApi,
    log: Arc<Mutex<Vec<String>>>,
    process: Child,
    readers: [JoinHandle<()>; 2],
    private: Private,
}

impl Lambda {
    /// Starts the debug binary `name` with these variables and no others.
    pub async fn start(name: &'static str, variables: &[(String, String)]) -> Self {
        Self::behind(name, variables, async |address| address).await
    }

    /// Starts it with a changed Runtime API address: `gate` gets the real address and returns the one to use.
    pub async fn behind(
        name: &'static str,
        variables: &[(String, String)],
        gate: impl AsyncFnOnce(String) -> String,
    ) -> Self {
        let sampled = variables.iter().any(|(name, _)| name == "AWS_XRAY_DAEMON_ADDRESS");
        let api = RuntimeApi::start(trace(name, sampled)).await;
        let address = gate(api.address.to_string()).await;
        let tests = std::env::current_exe().unwrap();
        let program = tests.ancestors().nth(3).unwrap().join("debug").join(name);
        let mut process = Command::new(&program)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            // The emulator of AWS records the calls of each function under this name.
            .env("AWS_SDK_UA_APP_ID", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} is not built ({error}): run tests/all", program.display()));
        let log = Arc::default();
        let readers =
            [keep(process.stdout.take().unwrap(), &log), keep(process.stderr.take().unwrap(), &log)];
        Self { name, api, log, process, readers, private: Private::default() }
    }

    pub async fn invoke(&self, event: Value, time: Duration) -> Result<Value, Failed> {
        self.private.notes(&event);
        self.api.invoke(event, time).await
    }

    /// Returns the answer, or `None` if the function ends instead.
    pub async fn invoke_if_it_lives(&mut self, event: Value, time: Duration) -> Option<Value> {
        tokio::select! {
            biased;
            answer = self.api.invoke(event, time) => answer.ok(),
            _ = self.process.wait() => None,
        }
    }

    pub fn pid(&self) -> u32 {
        self.process.id().expect("it runs")
    }

    /// Sends SIGKILL.
    pub fn kill(&self) {
        let id = self.pid().to_string();
        assert!(std::process::Command::new("kill").args(["-KILL", &id]).status().unwrap().success());
    }

    /// Returns the log if the function ends by itself; nothing if it starts and answers.
    pub async fn ended(mut self) -> Option<Vec<String>> {
        let status = tokio::select! {
            status = self.process.wait() => status.unwrap(),
            answer = self.api.invoke(json!({ "Records": [] }), PATIENCE) => return answer.map(|_| None).unwrap(),
        };
        assert!(!status.success());
        for reader in &mut self.readers {
            reader.await.unwrap();
        }
        Some(self.log())
    }

    /// Returns the log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

/// Prints the functions' logs when a story fails; otherwise checks that the logs hold nothing private.
impl Drop for Lambda {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.log().iter().for_each(|line| println!("{}: {line}", self.name));
        } else {
            self.private.is_not_in(&self.log().join("\n"), self.name);
        }
    }
}

fn keep(output: impl AsyncRead + Send + Unpin + 'static, log: &Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    let log = log.clone();
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            log.lock().unwrap().push(line);
        }
    })
}

/// An event source that brings jobs to the worker until it is dropped.
pub struct EventSource(JoinHandle<()>);

impl EventSource {
    pub fn start(cloud: Arc<Cloud>, worker: Arc<Lambda>, time: Duration) -> Self {
        Self(tokio::spawn(async move {
            loop {
                let messages = cloud.receive(&cloud.queue_url, Duration::from_secs(1)).await;
                if !messages.is_empty() {
                    poll(&cloud, &worker, &messages, time).await;
                }
            }
        }))
    }
}

impl Drop for EventSource {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Invokes the worker with one batch, and deletes the messages that it does not hand back. After an invocation that
/// failed all messages stay (AWS: "Handling errors for an SQS event source in Lambda").
async fn poll(cloud: &Cloud, worker: &Lambda, messages: &[Message], time: Duration) {
    let event = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() });
    let Ok(response) = worker.invoke(event, time).await else { return };
    let failures = response["batchItemFailures"].as_array().cloned().unwrap_or_default();
    for message in messages {
        let is_failed = |failure: &Value| failure["itemIdentifier"] == json!(message.message_id);
        if !failures.iter().any(is_failed) {
            let receipt = message.receipt_handle.as_deref().unwrap();
            let delete = cloud.sqs.delete_message().queue_url(&cloud.queue_url).receipt_handle(receipt);
            if let Err(error) = delete.send().await {
                // The worker itself deletes messages that end early. SQS would not report an error.
                assert!(error.into_service_error().is_receipt_handle_is_invalid());
            }
        }
    }
}

/// Makes the record of a message as the event source does.
pub fn record(message: &Message) -> Value {
    let attributes = message.attributes.iter().flatten();
    let attributes: Map<String, Value> =
        attributes.map(|(name, value)| (name.as_str().to_owned(), value.as_str().into())).collect();
    json!({
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {},
        "md5OfBody": message.md5_of_body,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:ap-northeast-1:123456789012:jobs.fifo",
        "awsRegion": "ap-northeast-1",
    })
}
