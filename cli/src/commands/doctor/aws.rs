//! The checks of a deployment on AWS: both queues and the table must be as the functions need them.

use std::collections::HashMap;

use anyhow::{bail, ensure};
use aws_sdk_sqs::{Client, types::QueueAttributeName as Name};
use serde_json::Value;
use worker::adapters::{aws::AwsError, dynamodb::DynamoHistory};

use crate::{deployment::aws::Deployment, terminal::report::Report};

/// Checks both queues and the table.
pub(super) async fn check(report: &mut Report, deployment: &Deployment) {
    let option = &deployment.option;
    let deploy = deployment.deploy();
    report.ok("stack", "its addresses are in the Parameter Store");
    let sqs = Client::new(&deployment.sdk);
    let letters = attributes(&sqs, &deployment.dlq_url).await;
    let arn = letters.as_ref().ok().and_then(|letters| letters.get(&Name::QueueArn).cloned());
    let timeout = deployment.plain.get("WORKER_TIMEOUT_SECONDS").and_then(|text| text.parse().ok());
    let jobs = attributes(&sqs, &deployment.queue_url).await;
    let jobs = jobs.and_then(|jobs| jobs_are_right(&jobs, arn.as_deref(), timeout));
    report.judge("queue", jobs, deploy.clone());
    match letters.and_then(|letters| {
        fifo(&letters)?;
        Ok(count(&letters))
    }) {
        Ok(0) => report.ok("dead letters", "the queue is FIFO and empty"),
        Ok(n) => report.note("dead letters", format!("{n}"), format!("henji dlq list{option}")),
        Err(error) => report.failed("dead letters", &error, deploy.clone()),
    }
    let table = DynamoHistory::new(&deployment.sdk, deployment.table.clone(), None).doctor_checks().await;
    report.judge("table", table.map_err(Into::into), deploy);
}

type Attributes = HashMap<Name, String>;

async fn attributes(sqs: &Client, url: &str) -> anyhow::Result<Attributes> {
    let request = sqs.get_queue_attributes().queue_url(url).attribute_names(Name::All);
    Ok(request.send().await.map_err(AwsError::from)?.attributes.unwrap_or_default())
}

fn value<'a>(attributes: &'a Attributes, name: &Name) -> &'a str {
    attributes.get(name).map_or("", String::as_str)
}

fn count(attributes: &Attributes) -> u64 {
    let names = [Name::ApproximateNumberOfMessages, Name::ApproximateNumberOfMessagesNotVisible];
    names.iter().filter_map(|name| value(attributes, name).parse::<u64>().ok()).sum()
}

fn fifo(attributes: &Attributes) -> anyhow::Result<()> {
    for (name, wanted) in [
        (Name::FifoQueue, "true"),
        (Name::DeduplicationScope, "messageGroup"),
        (Name::FifoThroughputLimit, "perMessageGroupId"),
    ] {
        let is = value(attributes, &name);
        ensure!(is == wanted, "{} is \"{is}\" instead of \"{wanted}\"", name.as_str());
    }
    Ok(())
}

fn jobs_are_right(jobs: &Attributes, letters: Option<&str>, timeout: Option<u64>) -> anyhow::Result<String> {
    fifo(jobs)?;
    let visibility: u64 = value(jobs, &Name::VisibilityTimeout).parse()?;
    if let Some(timeout) = timeout {
        ensure!(
            visibility > timeout,
            "its visibility time-out of {visibility} s is not above the worker's time-out of {timeout} s"
        );
    }
    let policy: Value = serde_json::from_str(value(jobs, &Name::RedrivePolicy)).unwrap_or_default();
    let (Some(target), Some(letters)) = (policy["deadLetterTargetArn"].as_str(), letters) else {
        bail!("it has no dead-letter queue");
    };
    ensure!(target == letters, "its dead-letter queue is {target}, not the one of DLQ_URL");
    Ok(format!("FIFO, {} waiting, visibility time-out {visibility} s", count(jobs)))
}
