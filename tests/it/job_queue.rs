//! The guarantees of `ingress::queue::JobQueue`, as one suite for both implementations.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::{Either, select};
use ingress::{adapters::sqs::SqsQueue, queue::JobQueue};
use jiff::Timestamp;
use local::sqlite::{Database, queue::SqliteQueue};
use shared::job::{ConversationId, EventId, Job, JobKind};
use tempfile::TempDir;
use worker::clock::wall_clock;

use crate::harness::lambda::cloud::Cloud;

/// An implementation of the queue, and the side that takes jobs out of it.
#[async_trait]
trait Backend: Sync {
    /// Opens the queue as a new process does: it knows only durable data.
    fn queue(&self) -> Box<dyn JobQueue>;
    /// Makes a queue that cannot take anything.
    fn broken(&self) -> Box<dyn JobQueue>;
    /// Takes all jobs out, in the queue's order within each conversation.
    async fn take(&self) -> Vec<Job>;
}

struct OnSqlite(TempDir);

impl OnSqlite {
    fn open(&self) -> SqliteQueue {
        SqliteQueue::new(Database::open(&self.0.path().join("henji.db")).unwrap(), wall_clock())
    }
}

#[async_trait]
impl Backend for OnSqlite {
    fn queue(&self) -> Box<dyn JobQueue> {
        Box::new(self.open())
    }

    fn broken(&self) -> Box<dyn JobQueue> {
        let file = self.0.path().join("broken.db");
        let queue = SqliteQueue::new(Database::open(&file).unwrap(), wall_clock());
        rusqlite::Connection::open(&file).unwrap().execute_batch("DROP TABLE jobs").unwrap();
        Box::new(queue)
    }

    async fn take(&self) -> Vec<Job> {
        let (queue, mut taken) = (self.open(), vec![]);
        loop {
            let (claimed, _) = queue.claim(10, Duration::from_mins(1)).await.unwrap();
            if claimed.is_empty() {
                return taken;
            }
            for job in claimed {
                taken.push(Job::decode(&job.body).unwrap());
                queue.finish(&[], job.seq, &job.conversation).await.unwrap();
            }
        }
    }
}

#[async_trait]
impl Backend for Cloud {
    fn queue(&self) -> Box<dyn JobQueue> {
        Box::new(SqsQueue::new(&self.sdk, &self.queue_url))
    }

    fn broken(&self) -> Box<dyn JobQueue> {
        Box::new(SqsQueue::new(&self.sdk, &self.queue_url.replace("jobs", "gone")))
    }

    async fn take(&self) -> Vec<Job> {
        let mut taken = vec![];
        loop {
            let received = self.receive(&self.queue_url, Duration::ZERO).await;
            if received.is_empty() {
                return taken;
            }
            for message in received {
                taken.push(Job::decode(message.body().unwrap()).unwrap());
                let delete = self.sqs.delete_message().queue_url(&self.queue_url);
                delete.set_receipt_handle(message.receipt_handle).send().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn the_queue_on_sqlite_keeps_its_promises() {
    suite(&OnSqlite(tempfile::tempdir().unwrap())).await;
}

#[tokio::test]
async fn the_queue_on_sqs_keeps_its_promises() {
    suite(&Cloud::start().await).await;
}

async fn suite(backend: &dyn Backend) {
    what_was_sent_is_durable_whole_and_in_order(backend).await;
    an_event_is_taken_once(backend).await;
    what_is_sent_side_by_side_is_all_taken(backend).await;
    a_queue_that_fails_says_so_and_quotes_nobody(backend).await;
}

pub fn job(conversation: &str, event: &str, text: &str) -> Job {
    let event = EventId::try_from(event.to_owned()).unwrap();
    Job {
        reply_token: Some("a reply token".into()),
        ..Job::new(
            event,
            ConversationId::of_known_id(conversation.to_owned()).unwrap(),
            JobKind::question(text, None),
        )
    }
}

/// Returns the jobs of one conversation.
fn of(jobs: &[Job], conversation: &str) -> Vec<Job> {
    jobs.iter().filter(|job| job.conversation.as_str() == conversation).cloned().collect()
}

async fn what_was_sent_is_durable_whole_and_in_order(backend: &dyn Backend) {
    // The jobs are more than one batch of SQS, of mixed conversations, with characters that SQS refuses.
    let text = "改行\n\"quoted\" \u{fffe}\u{ffff}\u{0} 👩‍👩‍👧";
    let jobs: Vec<_> =
        (0..25).map(|n| job(["U1", "C2", "R3"][n % 3], &format!("e{n}"), &format!("{n} {text}"))).collect();
    backend.queue().send(&jobs).await.unwrap();
    let taken = backend.take().await;
    assert_eq!(taken.len(), jobs.len());
    for conversation in ["U1", "C2", "R3"] {
        assert_eq!(of(&taken, conversation), of(&jobs, conversation));
    }
}

async fn an_event_is_taken_once(backend: &dyn Backend) {
    let (first, second) = (job("U-once", "once-1", "a"), job("U-once", "once-2", "b"));
    backend.queue().send(&[first.clone(), first.clone()]).await.unwrap();
    // LINE delivers a webhook again that got no answer, together with later events.
    backend.queue().send(&[first.clone(), second.clone()]).await.unwrap();
    assert_eq!(backend.take().await, [first.clone(), second]);
    backend.queue().send(&[first]).await.unwrap();
    assert_eq!(backend.take().await, [], "an event that was done is not queued again");
}

async fn what_is_sent_side_by_side_is_all_taken(backend: &dyn Backend) {
    let queue: Arc<dyn JobQueue> = backend.queue().into();
    let sending = (0..20).map(|n| {
        let queue = queue.clone();
        tokio::spawn(async move { queue.send(&[job(&format!("U-side-{n}"), &format!("s{n}"), "q")]).await })
    });
    for sent in sending.collect::<Vec<_>>() {
        sent.await.unwrap().unwrap();
    }
    assert_eq!(backend.take().await.len(), 20);
}

async fn a_queue_that_fails_says_so_and_quotes_nobody(backend: &dyn Backend) {
    let jobs = [job("U1", "lost-1", "secret words"), job("U2", "lost-2", "secret words")];
    let error = backend.broken().send(&jobs).await.unwrap_err();
    assert_eq!(error.jobs, 2);
    let line = shared::logging::chain(&error);
    assert!(line.contains("2 job(s)") && !line.contains("secret words"), "{line}");
    backend.queue().send(&jobs).await.unwrap();
    assert_eq!(backend.take().await.len(), 2, "sending again is safe");
}

#[tokio::test]
async fn an_operation_that_panics_fails_alone_and_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let database = Database::open(&folder.path().join("henji.db")).unwrap();
    let count = |sql: &'static str| database.call(move |db| db.execute(sql, []));
    let panics = database.call(|db| -> rusqlite::Result<()> {
        db.execute("CREATE TABLE left_behind (x)", [])?;
        panic!("on purpose")
    });
    let (panicked, created) = tokio::join!(panics, count("CREATE TABLE kept (x)"));
    assert!(panicked.is_err() && created.is_ok());
    assert_eq!(count("INSERT INTO kept VALUES (1)").await.unwrap(), 1);
    assert!(count("INSERT INTO left_behind VALUES (1)").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_thousands_of_jobs_keeps_no_other_waiting_and_loses_none() {
    let backend = OnSqlite(tempfile::tempdir().unwrap());
    let queue = backend.open();
    let many: Vec<Job> = (0..5_000).map(|n| job("U-many", &format!("m{n}"), "q")).collect();
    let one = [job("U-one", "one", "q")];
    let both = select(queue.send(&many), queue.send(&one)).await;
    let Either::Right((sent, rest)) = both else { panic!("the one waited for the many") };
    sent.unwrap();
    rest.await.unwrap();
    let taken = backend.take().await;
    assert!(of(&taken, "U-many") == many && of(&taken, "U-one") == one);
}

/// Makes a queue with this clock, in milliseconds.
fn with_clock(folder: &TempDir, clock: &Arc<AtomicI64>) -> SqliteQueue {
    let (database, clock) = (Database::open(&folder.path().join("henji.db")).unwrap(), clock.clone());
    SqliteQueue::new(database, Arc::new(move || Timestamp::from_millisecond(clock.load(Relaxed)).unwrap()))
}

#[tokio::test]
async fn an_uncounted_job_is_seen_again_when_another_one_of_its_conversation_comes() {
    let (folder, clock) = (TempDir::new().unwrap(), Arc::new(AtomicI64::new(1_800_000_000_000)));
    let queue = with_clock(&folder, &clock);
    let (lease, wait) = (Duration::from_mins(6), Duration::from_secs(3));
    let claimed = async || queue.claim(10, lease).await.unwrap().0;
    queue.send(&[job("U1", "image", "q"), job("U2", "tried", "q")]).await.unwrap();
    let jobs = claimed().await;
    queue.hand_back_uncounted(&[], jobs[0].seq, wait).await.unwrap();
    queue.hand_back(&[], jobs[1].seq, wait).await.unwrap();
    queue.send(&[job("U3", "of-another", "q")]).await.unwrap();
    assert_eq!(claimed().await[0].event_id, "of-another");
    // A job that was tried waits for its time.
    queue.send(&[job("U1", "words", "q"), job("U2", "behind", "q")]).await.unwrap();
    let again = claimed().await;
    assert_eq!((again.len(), &*again[0].event_id, again[0].received), (1, "image", 1));
    clock.fetch_add(3_000, Relaxed);
    let tried = claimed().await;
    assert_eq!(tried[0].event_id, "tried");
    // The last one of jobs that were tried together was tried, too, although it was not taken by itself.
    let last = queue.behind(&tried[0], 1).await.unwrap()[0].seq;
    queue.hand_back(&[tried[0].seq], last, wait).await.unwrap();
    queue.send(&[job("U2", "next", "q")]).await.unwrap();
    assert!(claimed().await.is_empty());
    clock.fetch_add(3_000, Relaxed);
    assert_eq!(claimed().await[0].event_id, "behind");
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_no_job_longer_than_the_longest_pause() {
    const DAY: i64 = 24 * 3_600_000;
    const START: i64 = 1_800_000_000_000;
    let (folder, clock) = (TempDir::new().unwrap(), Arc::new(AtomicI64::new(START)));
    let queue = with_clock(&folder, &clock);
    let lease = Duration::from_mins(6);
    let claimed = async || queue.claim(10, lease).await.unwrap().0;
    queue.send(&[job("U1", "retried", "q"), job("U2", "in-flight", "q")]).await.unwrap();
    let jobs = claimed().await;
    assert_eq!(jobs.len(), 2);
    queue.hand_back(&[], jobs[0].seq, Duration::from_secs(10)).await.unwrap();
    queue.send(&[job("U3", "new", "q")]).await.unwrap();
    assert_eq!(claimed().await.len(), 1, "the retry is not due yet");
    clock.store(START - DAY, Relaxed);
    let again: Vec<String> = claimed().await.into_iter().map(|job| job.event_id).collect();
    assert_eq!(again.len(), 3, "what was due, or leased, by the clock of a day later: {again:?}");
    assert_eq!(claimed().await.len(), 0, "once each");
    // The queue cuts a long delay: after an hour the job is due.
    queue.hand_back(&[], jobs[0].seq, Duration::from_hours(12)).await.unwrap();
    assert_eq!(claimed().await.len(), 0);
    clock.fetch_add(3_600_000, Relaxed);
    let due: Vec<String> = claimed().await.into_iter().map(|job| job.event_id).collect();
    assert!(due.contains(&jobs[0].event_id), "{due:?}");
}
