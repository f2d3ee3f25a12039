//! A table that refuses for long, and a job that only a newer build can read: pauses grow, nothing is lost. The
//! function runs within the story, with shorter pauses.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};
use shared::{env::Env, job::VERSION, roots::Roots, secret::Secret};
use tokio::time::{Instant, sleep};
use worker::{
    adapters::{
        dynamodb::DynamoHistory, http::client_trusting, line::LineClient, openai::ModelClient, sqs::Queue,
    },
    clients::Clients,
    clock::wall_clock,
    config::Config,
    lambda::{batch::handle, month_quota::QuotaWatch, setup::Setup},
    storage::Storage,
};

use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment, error},
    bot::{Bot, USER},
    cloud::{PATIENCE, TABLE},
    functions::record,
    world::has_redrive_policy,
};
use crate::harness::operator::Operator;

/// The first pause. SQS counts in seconds: the second pause is longer than the first, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LEASE: Duration = Duration::from_mins(1);

/// A worker with short pauses, the queue that it gets jobs from, and its requests to that queue.
struct Patient {
    bot: Bot,
    setup: Arc<Setup>,
    /// The seconds for which messages were handed back, one entry a request.
    pauses: Arc<Mutex<Vec<u64>>>,
}

impl Patient {
    /// Starts it with a table that answers as `table` says.
    async fn start(table: impl Fn() -> Treatment + Send + Sync + 'static) -> Self {
        let bot = Bot::quiet(&[]).await;
        let dynamodb = AwsProxy::start(move |_, _| table()).await;
        let pauses: Arc<Mutex<Vec<u64>>> = Arc::default();
        let noted = pauses.clone();
        let sqs = AwsProxy::start(move |call, request| {
            if call == "ChangeMessageVisibilityBatch" {
                let of = |entry: &Value| entry["VisibilityTimeout"].as_u64().unwrap();
                let all: Vec<u64> = request["Entries"].as_array().unwrap().iter().map(of).collect();
                assert!(all.iter().all(|pause| *pause == all[0]), "a conversation comes back together");
                noted.lock().unwrap().extend(Some(all[0]).filter(|pause| *pause != LEASE.as_secs()));
            }
            Treatment::Forward
        })
        .await;
        let at = |url: &str| bot.cloud.sdk.clone().into_builder().endpoint_url(url).build();
        let mut config = Config::from_env(&Env::of(bot.variables.clone())).unwrap();
        config.pauses.between[0] = FIRST_PAUSE;
        let http = client_trusting(Roots::Bundled).unwrap();
        let clock = wall_clock();
        let history = Arc::new(DynamoHistory::new(&at(&dynamodb.url), TABLE.to_owned(), None));
        let setup = Arc::new(Setup {
            queue: Queue::new(&at(&sqs.url), &bot.cloud.queue_url, &bot.cloud.dlq_url),
            lease: LEASE,
            quota: QuotaWatch::default(),
            clients: Clients {
                model: ModelClient::new(&config, &http, Secret::fixed("k".into()), &clock),
                line: LineClient::new(&config, http, Secret::fixed("t".into()), clock.clone()),
                storage: Storage::new(history, clock, &config),
                config,
            },
        });
        Self { bot, setup, pauses }
    }

    /// Works on messages as they come, until `is_over`.
    async fn works_until(&self, is_over: impl Fn(&Self) -> bool) {
        let (cloud, until) = (&self.bot.cloud, Instant::now() + 2 * PATIENCE);
        while !is_over(self) {
            assert!(Instant::now() < until, "it does not come to that: {:?}", self.pauses());
            let messages = cloud.receive(&cloud.queue_url, Duration::from_secs(1)).await;
            let event = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() });
            let event = serde_json::from_value(event).unwrap();
            let response = handle(self.setup.clone(), event, Instant::now() + LEASE).await;
            let failures = serde_json::to_value(&response).unwrap()["batchItemFailures"].to_string();
            for message in messages {
                if !failures.contains(message.message_id.as_deref().unwrap()) {
                    let receipt = message.receipt_handle.unwrap();
                    // The worker itself deletes messages that end early.
                    let delete = cloud.sqs.delete_message().queue_url(&cloud.queue_url);
                    let _ = delete.receipt_handle(receipt).send().await;
                }
            }
        }
    }

    fn pauses(&self) -> Vec<u64> {
        self.pauses.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn while_the_table_refuses_pauses_grow_and_afterwards_everything_is_answered_in_order() {
    let is_down = Arc::new(AtomicBool::new(true));
    let down = is_down.clone();
    let refuses = move || {
        if down.load(Relaxed) {
            error(400, "com.amazon.coral.availability#ThrottlingException")
        } else {
            Treatment::Forward
        }
    };
    let story = Patient::start(refuses).await;
    for text in ["one", "two", "three"] {
        for user in ["U-a", "U-b"] {
            story.bot.hears_from(user, text).await;
        }
    }
    story.works_until(|story| story.pauses().len() >= 8).await;
    assert!(story.bot.model.asked().is_empty());
    let mut pauses = story.pauses()[..8].to_vec();
    pauses.sort_unstable();
    assert_eq!(pauses, [1, 1, 2, 2, 2, 2, 3, 3], "for half a second, one, one and a half, two");
    is_down.store(false, Relaxed);
    story.works_until(|story| story.bot.line.sent().len() == 6).await;
    story.bot.cloud.is_drained().await;
    for user in ["U-a", "U-b"] {
        let said: Vec<_> = story.bot.line.sent().into_iter().filter(|sent| sent.to == user).collect();
        let said: Vec<_> = said.iter().map(|sent| sent.texts[0].as_str()).collect();
        assert_eq!(said, ["answer to one", "answer to two", "answer to three"]);
    }
    assert_eq!(story.bot.model.asked().len(), 6);
    assert_eq!(story.bot.cloud.depth(&story.bot.cloud.dlq_url).await, 0);
}

#[tokio::test]
async fn a_job_of_a_newer_version_waits_longer_each_time_and_its_conversation_behind_it() {
    let story = Patient::start(|| Treatment::Forward).await;
    let newer = json!({ "v": VERSION + 1, "eventId": "newer", "conversation": USER, "kind": "new" });
    story.bot.is_sent(&newer.to_string(), USER, "newer").await;
    story.bot.hears("behind it").await;
    story.works_until(|story| story.pauses().len() >= 4).await;
    assert_eq!(story.pauses()[..4], [1, 2, 2, 3]);
    assert!(story.bot.line.sent().is_empty());
    assert_eq!(story.bot.cloud.depth(&story.bot.cloud.dlq_url).await, 0);
}

#[tokio::test]
async fn a_letter_that_sqs_itself_moved_is_called_not_recorded_and_is_redriven_like_others() {
    let mut bot = Bot::quiet(&[]).await;
    has_redrive_policy(&bot.cloud, 1).await;
    let set = bot.cloud.sqs.set_queue_attributes().queue_url(&bot.cloud.queue_url);
    set.attributes(QueueAttributeName::VisibilityTimeout, "1").send().await.unwrap();
    bot.hears("hello").await;
    // The loop behaves as a worker that dies at once, over and over.
    let until = Instant::now() + PATIENCE;
    while bot.cloud.depth(&bot.cloud.dlq_url).await == 0 {
        assert!(Instant::now() < until, "SQS does not move it");
        bot.cloud.receive(&bot.cloud.queue_url, Duration::ZERO).await;
        sleep(Duration::from_millis(200)).await;
    }
    let operator = Operator::of(&bot.cloud, &[]);
    let letters = operator.lists(&["--reason", "not_recorded"]).await;
    assert_eq!((letters.len(), &letters[0]["reason"]), (1, &json!("not_recorded")));
    assert!(letters[0]["detail"].as_str().unwrap().contains("SQS moved it"));
    assert!(operator.lists(&["--reason", "worker_died"]).await.is_empty());
    has_redrive_policy(&bot.cloud, 1_000).await;
    bot.is_brought_jobs(Duration::from_mins(1));
    let ended = operator.runs(&["dlq", "redrive", "--reason", "not_recorded", "--yes"]).await;
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert_eq!(bot.says(1).await[0].texts, ["answer to hello"]);
    assert!(operator.lists(&[]).await.is_empty());
    bot.ends().await;
}
