//! The job queue on SQS FIFO. The job's group (the conversation) is the message group, and the event id is the
//! deduplication id, so that SQS itself keeps the order and drops events that LINE delivers twice within five minutes.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::{
    Client,
    error::BuildError,
    types::{
        MessageSystemAttributeNameForSends as Name, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
    },
};
use serde_json::json;
use shared::{job::Job, traces};
use tokio::time::timeout;

use crate::queue::{JobQueue, QueueError};

/// The most messages that `SendMessageBatch` takes (AWS: `SendMessageBatch`).
const BATCH: usize = 10;
/// The longest time for which the first connection may delay the function's start.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

tokio::task_local! {
    /// The trace of the jobs that this task sends. SQS carries it to the worker's invocation (AWS X-Ray, "Amazon SQS
    /// and AWS X-Ray"). The port does not have it, because SQLite has no traces.
    static TRACE: String;
}

/// Runs `work`. The jobs that it sends carry this trace, if there is one.
pub async fn traced<T>(trace: Option<String>, work: impl Future<Output = T>) -> T {
    match trace {
        Some(trace) => TRACE.scope(trace, work).await,
        None => work.await,
    }
}

/// The queue behind `QUEUE_URL`.
pub struct SqsQueue {
    client: Client,
    url: String,
}

/// The error if SQS refused a part of a batch, twice.
#[derive(Debug, thiserror::Error)]
#[error("SQS refused: {0}")]
struct Refused(String);

impl SqsQueue {
    /// Makes a client for the queue at `url`.
    pub fn new(config: &SdkConfig, url: &str) -> Self {
        Self { client: Client::new(config), url: url.to_owned() }
    }

    /// Makes the connection that the first webhook will use. It does not matter what SQS answers, or whether it does,
    /// but the connection must not delay the start.
    pub async fn connect(&self) {
        let _ =
            timeout(CONNECT_TIMEOUT, self.client.get_queue_attributes().queue_url(&self.url).send()).await;
    }

    /// Sends at most ten jobs and returns those that SQS refused.
    async fn send_batch<'a>(&self, jobs: &[&'a Job]) -> Result<(Vec<&'a Job>, String), aws_sdk_sqs::Error> {
        let mut request = self.client.send_message_batch().queue_url(&self.url);
        for (index, job) in jobs.iter().enumerate() {
            let entry = SendMessageBatchRequestEntry::builder()
                .set_message_system_attributes(trace()?)
                .id(index.to_string())
                .message_body(job.encode())
                .message_group_id(job.group())
                .message_deduplication_id(job.event_id.as_str())
                .build()?;
            request = request.entries(entry);
        }
        let sent = request.send().await?;
        let codes: Vec<_> = sent.failed().iter().map(|f| f.code().to_owned()).collect();
        let refused = sent.failed().iter().filter_map(|f| f.id().parse::<usize>().ok());
        Ok((refused.filter_map(|i| jobs.get(i).copied()).collect(), codes.join(", ")))
    }
}

/// Returns the trace header for SQS: the trace from the sending step on if that step is recorded, else the trace as it
/// came.
fn trace() -> Result<Option<HashMap<Name, MessageSystemAttributeValue>>, BuildError> {
    let Some(trace) = traces::header().or_else(|| TRACE.try_with(Clone::clone).ok()) else {
        return Ok(None);
    };
    let value = MessageSystemAttributeValue::builder().data_type("String").string_value(trace).build()?;
    Ok(Some(HashMap::from([(Name::AwsTraceHeader, value)])))
}

#[async_trait]
impl JobQueue for SqsQueue {
    async fn send(&self, jobs: &[Job]) -> Result<(), QueueError> {
        // X-Ray recognises the queue by this name and namespace.
        traces::step("SQS", self.send_all(jobs)).await
    }
}

impl SqsQueue {
    async fn send_all(&self, jobs: &[Job]) -> Result<(), QueueError> {
        traces::annotate(|step| {
            let ids: Vec<_> = jobs.iter().map(|job| job.event_id.as_str()).collect();
            step["namespace"] = "aws".into();
            step["aws"] = json!({ "operation": "SendMessageBatch", "queue_url": self.url });
            step["annotations"] = json!({ "event": ids.join(" ") });
        });
        let failed =
            |jobs: usize, source: Box<dyn std::error::Error + Send + Sync>| QueueError { jobs, source };
        let mut waiting: Vec<&Job> = jobs.iter().collect();
        while !waiting.is_empty() {
            let (batch, rest) = next_batch(waiting);
            let (refused, _) = self.send_batch(&batch).await.map_err(|e| failed(batch.len(), e.into()))?;
            if !refused.is_empty() {
                let (refused, codes) =
                    self.send_batch(&refused).await.map_err(|e| failed(refused.len(), e.into()))?;
                if !refused.is_empty() {
                    return Err(failed(refused.len() + rest.len(), Refused(codes).into()));
                }
            }
            waiting = rest;
        }
        Ok(())
    }
}

/// Splits the jobs into those that one call sends and those after it. SQS may refuse any part of a batch, and it cannot
/// give back a job that it took. So only the first job of each group is sent, and the next one when SQS has taken the
/// first. A webhook with one event, or with events of several users, still needs one call.
fn next_batch(jobs: Vec<&Job>) -> (Vec<&Job>, Vec<&Job>) {
    let mut groups = HashSet::new();
    jobs.into_iter().partition(|job| groups.len() < BATCH && groups.insert(job.group()))
}
