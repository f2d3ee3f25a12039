//! The dead letters in SQS, with the state of their turns from DynamoDB.
//!
//! A FIFO queue hides each message that it returns. While a message of a conversation is hidden, the queue returns no
//! further message of it: so at most ten at a time, the oldest ones. So letters that were only read are shown again
//! as soon as reading is over, and changes begin with the oldest letters of each conversation.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use aws_config::timeout::TimeoutConfig;
use aws_sdk_sqs::{
    Client,
    types::{
        ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName as System,
        QueueAttributeName as Queue,
    },
};
use jiff::Timestamp;
use local::dead_letter::{DeadLetter, Held, State};
use shared::job::{EventId, Job};
use worker::{
    adapters::{
        aws::AwsError,
        dynamodb::{DynamoHistory, TurnView},
    },
    clock::Clock,
    failure::Reason,
    history::Stage,
};

use crate::deployment::aws::Deployment;

/// The time for which a letter is hidden: longer than a command needs for ten of them. Letters of a command that is
/// killed stay hidden for this time.
const HIDE: Duration = Duration::from_mins(2);
/// The time that SQS searches before it reports an empty queue. With zero it asks only some of its servers (AWS:
/// "Short and long polling").
const LOOK_SECONDS: i32 = 1;
/// The most entries of one batch request to SQS.
const BATCH: usize = 10;

/// The dead-letter queue of a deployment.
pub struct SqsLetters {
    client: Client,
    queue_url: String,
    dlq_url: String,
    history: DynamoHistory,
    clock: Clock,
    /// The receipt handles of the messages that are hidden now, by `MessageId`.
    hidden: HashMap<String, String>,
    seen: HashSet<String>,
}

impl SqsLetters {
    /// Makes a reader of this deployment's letters.
    pub fn new(deployment: &Deployment, clock: Clock) -> Self {
        let patient = TimeoutConfig::builder().operation_timeout(Duration::from_secs(30)).build();
        let config = deployment.sdk.clone().into_builder().timeout_config(patient).build();
        Self {
            client: Client::new(&config),
            queue_url: deployment.queue_url.clone(),
            dlq_url: deployment.dlq_url.clone(),
            history: DynamoHistory::new(&config, deployment.table.clone(), None),
            clock,
            hidden: HashMap::new(),
            seen: HashSet::new(),
        }
    }

    /// Returns the number of messages that the queue itself counts, with the hidden ones. SQS calls it approximate.
    pub async fn total(&self) -> anyhow::Result<u64> {
        let names = [
            Queue::ApproximateNumberOfMessages,
            Queue::ApproximateNumberOfMessagesNotVisible,
            Queue::ApproximateNumberOfMessagesDelayed,
        ];
        let request = self.client.get_queue_attributes().queue_url(&self.dlq_url);
        let got = request.set_attribute_names(Some(names.to_vec())).send().await.map_err(AwsError::from)?;
        let attributes = got.attributes.unwrap_or_default();
        Ok(names.iter().filter_map(|name| attributes.get(name)?.parse::<u64>().ok()).sum())
    }

    /// Returns the next letters, at most ten, which are then hidden from others; none when no further one can be seen.
    /// Messages of one event become one letter.
    pub async fn next(&mut self) -> anyhow::Result<Vec<DeadLetter>> {
        let mut again = 0;
        loop {
            let messages = self.receive().await?;
            let count = messages.len();
            let mut letters: Vec<DeadLetter> = vec![];
            for letter in messages.into_iter().filter_map(letter) {
                for held in &letter.held {
                    self.hidden.insert(held.message_id.clone(), held.receipt.clone());
                }
                // A message that comes again was hidden for too short a time: it was read already.
                if letter.held.iter().all(|held| self.seen.insert(held.message_id.clone())) {
                    merge(&mut letters, letter);
                }
            }
            if !letters.is_empty() {
                self.tell_states(&mut letters).await?;
                return Ok(letters);
            }
            // Unread messages may be behind the repeated ones, until as many were repeated as were read.
            again += count;
            if count == 0 || again > self.seen.len() {
                return Ok(vec![]);
            }
        }
    }

    async fn receive(&self) -> anyhow::Result<Vec<Message>> {
        let request = self.client.receive_message().queue_url(&self.dlq_url).max_number_of_messages(10);
        let request =
            request.visibility_timeout(i32::try_from(HIDE.as_secs())?).wait_time_seconds(LOOK_SECONDS);
        let request = request.message_attribute_names("All").message_system_attribute_names(System::All);
        Ok(request.send().await.map_err(AwsError::from)?.messages.unwrap_or_default())
    }

    async fn tell_states(&self, letters: &mut [DeadLetter]) -> anyhow::Result<()> {
        let events: HashSet<EventId> = letters.iter().filter_map(event_of).collect();
        let turns = self.history.turn_views(&events.into_iter().collect::<Vec<_>>()).await?;
        let now = (self.clock)();
        for letter in letters {
            let turn = event_of(letter).and_then(|event| turns.get(&event).cloned());
            letter.state = State::of(&turn.map_or(Stage::Open, |turn| turn.stage), now);
        }
        Ok(())
    }

    /// Returns the number of messages that are hidden now.
    pub fn held(&self) -> u64 {
        self.hidden.len() as u64
    }

    /// Shows the hidden messages again to others.
    pub async fn show_again(&mut self) -> anyhow::Result<()> {
        self.seen.clear();
        let receipts: Vec<String> = self.hidden.drain().map(|(_, receipt)| receipt).collect();
        for chunk in receipts.chunks(BATCH) {
            let entry = |(index, receipt): (usize, &String)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(index.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(0)
                    .build()
            };
            let entries = chunk.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
            let request = self.client.change_message_visibility_batch().queue_url(&self.dlq_url);
            request.set_entries(Some(entries)).send().await.map_err(AwsError::from)?;
        }
        Ok(())
    }

    /// Puts the job into the queue, under a new run. If this is repeated within five minutes, SQS drops the duplicate;
    /// after that, the state of the turn prevents a second answer.
    pub async fn send(&self, letter: &DeadLetter, job: Job) -> anyhow::Result<()> {
        let Some(newest) = letter.held.last() else { return Ok(()) };
        let job = Job { run: Some(newest.message_id.clone()), ..job };
        self.client
            .send_message()
            .queue_url(&self.queue_url)
            .message_body(job.encode())
            .message_group_id(&letter.conversation)
            .message_deduplication_id(format!("{}:r:{}", letter.event, newest.message_id))
            .send()
            .await
            .map_err(AwsError::from)?;
        Ok(())
    }

    /// Removes the held messages of a letter's event.
    pub async fn remove(&mut self, letter: &DeadLetter) -> anyhow::Result<()> {
        for held in &letter.held {
            let request = self.client.delete_message().queue_url(&self.dlq_url);
            request.receipt_handle(&held.receipt).send().await.map_err(AwsError::from)?;
            self.hidden.remove(&held.message_id);
        }
        Ok(())
    }

    /// Allows another push of a stored answer that LINE may have delivered and no longer remembers; returns false if no
    /// answer is stored.
    pub async fn risk_resending(&self, letter: &DeadLetter) -> anyhow::Result<bool> {
        let Some(event) = event_of(letter) else { return Ok(false) };
        Ok(self.history.risk_resending(&event, (self.clock)()).await?)
    }

    /// Reads the turn of a letter, if the turn began.
    pub async fn turn(&self, letter: &DeadLetter) -> anyhow::Result<Option<TurnView>> {
        let Some(event) = event_of(letter) else { return Ok(None) };
        Ok(self.history.turn_views(std::slice::from_ref(&event)).await?.remove(&event))
    }
}

fn event_of(letter: &DeadLetter) -> Option<EventId> {
    EventId::try_from(letter.event.clone()).ok()
}

/// Adds a letter to the list. If the list has an older letter of the same event, the new one replaces it and takes
/// over its messages.
fn merge(letters: &mut Vec<DeadLetter>, mut letter: DeadLetter) {
    match letters.iter_mut().find(|other| other.event == letter.event) {
        None => letters.push(letter),
        Some(other) => {
            let mut held = std::mem::take(&mut other.held);
            held.append(&mut letter.held);
            *other = DeadLetter { held, ..letter };
        }
    }
}

/// Makes a letter from a message, which the worker wrote or SQS itself moved here.
fn letter(message: Message) -> Option<DeadLetter> {
    let said = message.message_attributes.unwrap_or_default();
    let said = |name: &str| said.get(name)?.string_value().map(str::to_owned);
    let system = message.attributes.unwrap_or_default();
    let system = |name: System| system.get(&name).cloned();
    let message_id = message.message_id?;
    let body = message.body.unwrap_or_default();
    let id = system(System::MessageDeduplicationId).unwrap_or_else(|| message_id.clone());
    let event = match Job::decode(&body) {
        Ok(job) => job.event_id.to_string(),
        // The body is not a readable job. If the worker wrote the letter, the id begins with the event that it derived.
        Err(_) => id.rsplit_once(':').map_or(id.as_str(), |(event, _)| event).to_owned(),
    };
    let sent_at = system(System::SentTimestamp).and_then(|at| at.parse().ok());
    let sent_at = sent_at.and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default();
    let by_sqs = || "SQS moved it by itself: no worker could begin it, or lived to record why".to_owned();
    Some(DeadLetter {
        conversation: system(System::MessageGroupId).unwrap_or_default(),
        reason: said("Reason").unwrap_or_else(|| Reason::NotRecorded.as_str().to_owned()),
        detail: said("Detail").unwrap_or_else(by_sqs),
        attempts: said("Attempts").and_then(|n| n.parse().ok()).unwrap_or(0),
        failed_at: said("FailedAt").and_then(|at| at.parse().ok()).unwrap_or(sent_at),
        state: State::Unanswered,
        held: vec![Held { message_id, receipt: message.receipt_handle? }],
        id,
        event,
        body,
    })
}
