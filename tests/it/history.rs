//! The guarantees of `worker::history::History`, as one suite for both implementations.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use local::sqlite::{
    Database,
    dead_letters::DeadLetters,
    history::{SqliteHistory, used_since},
};
use shared::job::{ConversationId, EventId, Job, JobKind, MessageId};
use worker::{
    adapters::dynamodb::DynamoHistory,
    failure::Reason,
    history::{
        Answer, Delivery, Exchange, Forget, History, LastAttempt, Period, PushState, Question, RunCost,
        SendMethod, SnapshotScope, Stage, Step, StoreResult,
    },
    rules::{
        conversation::{Message, Role},
        file::SentFile,
        message_kind::MessageKind,
        sent_image::LastImages,
    },
};

use crate::harness::lambda::cloud::{Cloud, TABLE};

mod forgetting;
mod group;
mod pausing;
mod quotes;
mod table;
mod together;
mod window;

/// The model that answers.
const MODEL: &str = "gpt-test";
/// The time for which the rows of the second history are kept.
const TTL: SignedDuration = SignedDuration::from_hours(1);

#[tokio::test]
async fn the_history_on_sqlite_keeps_its_promises() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("henji.db")).unwrap();
    let history = |ttl| SqliteHistory::new(database.clone(), ttl);
    suite(&history(None), &history(Some(TTL))).await;
    forgetting::assert_listed_by_model(&used_since(&database, "2026-03-01").await.unwrap());
}

#[tokio::test]
async fn a_database_of_the_version_before_is_taken_over_without_losing_a_word() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("henji.db");
    let old = rusqlite::Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../../cli/local/src/sqlite/migrations/0001_initial.sql")).unwrap();
    old.execute_batch(
        "PRAGMA user_version = 1;
         INSERT INTO turns (event_id, attempts, stage, updated_at) VALUES ('open', 1, 0, 1772366400000);
         INSERT INTO messages VALUES ('m1', 'U-old', 'user', 'old words', '2026-03-01T11:00:00.000000Z', NULL);",
    )
    .unwrap();
    drop(old);
    for _ in 0..2 {
        let history = SqliteHistory::new(Database::open(&path).unwrap(), None);
        assert_eq!(words(&history, &job("U-old", "open"), 50, now()).await, ["old words"]);
    }
    let history = SqliteHistory::new(Database::open(&path).unwrap(), None);
    let turn = history.begin(&job("U-old", "open"), later(1)).await.unwrap();
    assert_eq!((turn.attempts, turn.cost), (2, RunCost::default()));
    history.forget(&job("U-old", "open").conversation, Forget::Messages(i64::MAX), later(2)).await.unwrap();
    assert!(words(&history, &job("U-old", "open"), 50, later(3)).await.is_empty());
}

#[tokio::test]
async fn the_history_on_dynamodb_keeps_its_promises() {
    let cloud = Cloud::start().await;
    let history = |ttl| DynamoHistory::new(&cloud.sdk, TABLE.to_owned(), ttl);
    suite(&history(None), &history(Some(TTL))).await;
    forgetting::assert_listed_by_model(&history(None).used_since("2026-03-01").await.unwrap());
}

#[tokio::test]
async fn the_history_on_sqlite_obeys_the_table_of_a_turn() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::open(&directory.path().join("henji.db")).unwrap();
    let letters = DeadLetters::new(database.clone(), Arc::new(|| later(40)));
    table::suite(&SqliteHistory::new(database, None), &letters).await;
}

#[tokio::test]
async fn the_history_on_dynamodb_obeys_the_table_of_a_turn() {
    let cloud = Cloud::start().await;
    let history = DynamoHistory::new(&cloud.sdk, TABLE.to_owned(), None);
    table::suite(&history, &history).await;
}

#[tokio::test]
async fn turns_of_one_conversation_that_are_stored_at_once_are_all_stored() {
    let cloud = Cloud::start().await;
    let history = Arc::new(DynamoHistory::new(&cloud.sdk, TABLE.to_owned(), None));
    let jobs: Vec<_> = (0..4).map(|n| job("U-crowd", &format!("crowd-{n}"))).collect();
    let storing = jobs.iter().map(|job| {
        let (history, job) = (history.clone(), job.clone());
        tokio::spawn(async move { history.store(&job, said(&job, "q", vec![]), None, now()).await.unwrap() })
    });
    for stored in storing.collect::<Vec<_>>() {
        assert!(matches!(stored.await.unwrap(), StoreResult::Stored(_)));
    }
    let past = history.load(&jobs[0], FIFTY, now()).await.unwrap();
    let roles: Vec<_> = past.messages.iter().map(|message| message.role.as_str()).collect();
    assert_eq!(roles, ["user", "assistant"].repeat(4));
}

#[tokio::test]
async fn a_failure_of_dynamodb_says_its_code_and_whether_it_passes_and_quotes_nobody() {
    let cloud = Cloud::start().await;
    let history = |table: &str| DynamoHistory::new(&cloud.sdk, table.to_owned(), None);
    let no_table = history("Messages-none").begin(&job("U1", "e1"), now()).await.unwrap_err();
    let large = said(&job("U1", "e1"), &"secret words".repeat(40_000), vec![]);
    let too_large = history(TABLE).store(&job("U1", "e1"), large, None, now()).await.unwrap_err();
    let nobody = cloud.sdk.clone().into_builder().endpoint_url("http://127.0.0.1:1").build();
    let nobody = DynamoHistory::new(&nobody, TABLE.to_owned(), None);
    let silent = nobody.load(&job("U1", "e1"), FIFTY, now()).await.unwrap_err();
    for (error, passing, word) in [
        (no_table, false, "ResourceNotFoundException"),
        (too_large, false, "Validation"),
        (silent, true, "dispatch"),
    ] {
        let line = shared::logging::chain(&error);
        assert!(error.passing == passing && line.contains(word) && !line.contains("secret"), "{line}");
    }
}

#[tokio::test]
async fn an_attribute_of_a_later_version_is_not_read() {
    let cloud = Cloud::start().await;
    let history = || DynamoHistory::new(&cloud.sdk, TABLE.to_owned(), None);
    let job = job("U-later", "later");
    history().begin(&job, now()).await.unwrap();
    let answer = said(&job, "q", vec!["push".into()]);
    let StoreResult::Stored(delivery) = history().store(&job, answer, None, now()).await.unwrap() else {
        panic!("the answer is not stored")
    };
    let known = history().load(&job, FIFTY, now()).await.unwrap();
    assert_eq!(known.messages.len(), 2);
    for row in cloud.rows().await {
        let row = cloud.dynamodb.update_item().table_name(TABLE).key("id", row["id"].clone());
        let row = row.update_expression("SET laterVersion = :later");
        let later = AttributeValue::S("later".to_owned());
        row.expression_attribute_values(":later", later).send().await.unwrap();
    }
    assert_eq!(history().load(&job, FIFTY, now()).await.unwrap(), known);
    let stage = history().begin(&job, later(1)).await.unwrap().stage;
    assert_eq!(stage, Stage::Stored(as_read(&delivery)));
}

/// Tests a history that keeps rows for ever, and one that keeps them for [`TTL`].
async fn suite(history: &dyn History, hourly: &dyn History) {
    attempts_are_counted_for_each_run(history).await;
    an_attempt_given_back_does_not_count(history).await;
    what_a_run_has_cost_is_kept_until_another_run_begins(history).await;
    the_last_failure_is_told_once(history).await;
    the_first_refusal_for_a_limit_that_is_not_reached_is_told_for_the_whole_run(history).await;
    the_first_answer_stays(history).await;
    a_notice_is_stored_without_rows(history).await;
    a_delivered_turn_forgets_its_words(history).await;
    what_is_known_of_the_pushes_is_kept(history).await;
    a_reply_is_remembered_until_the_newest_attempt_takes_to_pushing(history).await;
    an_answer_that_goes_by_reply_is_not_pushed_before_a_redrive(history).await;
    an_answer_that_waits_is_told_until_the_conversation_goes_on(history).await;
    the_user_is_told_at_the_first_time(history).await;
    a_question_without_an_answer_is_kept_until_the_conversation_goes_on(history, hourly).await;
    the_newest_file_is_known_until_its_row_is_gone(history).await;
    the_last_images_are_known_until_their_rows_are_gone(history).await;
    turns_never_interleave_whatever_the_clock_says(history).await;
    forgetting::suite(history).await;
    group::suite(history).await;
    quotes::suite(history, hourly).await;
    pausing::suite(history).await;
    together::suite(history).await;
    window::suite(history).await;
    rows_past_their_time_are_not_read(hourly).await;
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn later(minutes: i64) -> Timestamp {
    now() + SignedDuration::from_mins(minutes)
}

fn job(conversation: &str, event: &str) -> Job {
    let event = EventId::try_from(event.to_owned()).unwrap();
    Job::new(
        event,
        ConversationId::of_known_id(conversation.to_owned()).unwrap(),
        JobKind::question("q", None),
    )
}

/// Makes an answer that is part of the conversation.
fn said(job: &Job, question: &str, pushes: Vec<String>) -> Answer {
    let (event, message_id) = (job.event_id.clone(), job.message_id().cloned());
    let questions = vec![Question {
        event,
        text: question.to_owned(),
        kind: MessageKind::Text,
        message_id,
        speaker: None,
        said_at: job.at(),
        image_set: None,
        asked_with: vec![],
    }];
    let exchange = Exchange {
        questions,
        answer: format!("answer to {question}"),
        model: MODEL.to_owned(),
        replaces: None,
    };
    Answer { exchange: Some(exchange), pushes, ..Answer::default() }
}

/// Makes an answer that is not part of it, as a notice is.
fn noticed(pushes: Vec<String>) -> Answer {
    Answer { pushes, ..Answer::default() }
}

const FIFTY: SnapshotScope = SnapshotScope { limit: 50, period: Period::Ever };

/// Returns a delivery as the next attempt reads it: the row does not say whether the attempt before tried it.
fn as_read(delivery: &Delivery) -> Delivery {
    Delivery { state: PushState::of_row(delivery.state.unknown_since()), ..delivery.clone() }
}

async fn words(history: &dyn History, job: &Job, limit: u32, at: Timestamp) -> Vec<String> {
    let past = history.load(job, SnapshotScope { limit, ..FIFTY }, at).await.unwrap();
    past.messages.into_iter().map(|message| message.content).collect()
}

async fn attempts_are_counted_for_each_run(history: &dyn History) {
    let first = job("U-runs", "runs");
    let redriven = Job { run: Some("runs:letter".into()), ..first.clone() };
    for attempts in 1..=3 {
        let turn = history.begin(&first, now()).await.unwrap();
        let last = if attempts == 1 { LastAttempt::None } else { LastAttempt::Crashed };
        assert_eq!((turn.attempts, turn.last, turn.stage), (attempts, last, Stage::Open));
    }
    assert_eq!(history.begin(&redriven, now()).await.unwrap().attempts, 1);
    assert_eq!(history.begin(&redriven, now()).await.unwrap().attempts, 2);
}

async fn an_attempt_given_back_does_not_count(history: &dyn History) {
    let job = job("U-back", "back");
    history.begin(&job, now()).await.unwrap();
    history.record(&job, Step::Withdrawn { cost: None }, now()).await.unwrap();
    history.record(&job, Step::Withdrawn { cost: None }, now()).await.unwrap();
    assert_eq!(history.begin(&job, now()).await.unwrap().attempts, 1);
}

async fn what_a_run_has_cost_is_kept_until_another_run_begins(history: &dyn History) {
    let job = job("U-cost", "cost");
    let cost = |waited_ms, paid_calls| RunCost { waited: Duration::from_millis(waited_ms), paid_calls };
    let failed = |cost| Step::Failed {
        by: None,
        reason: Reason::ModelUnavailable,
        delivery: None,
        gave_up: false,
        cost,
    };
    let begins = async |job: &Job| history.begin(job, now()).await.unwrap().cost;
    assert_eq!(begins(&job).await, RunCost::default());
    history.record(&job, failed(Some(cost(10_500, 2))), now()).await.unwrap();
    assert_eq!(begins(&job).await, cost(10_500, 2));
    assert_eq!(begins(&job).await, cost(10_500, 2), "an attempt without an outcome changes nothing");
    for step in [failed(None), Step::Withdrawn { cost: None }] {
        history.record(&job, step, now()).await.unwrap();
        assert_eq!(begins(&job).await, cost(10_500, 2));
    }
    history.record(&job, Step::Withdrawn { cost: Some(cost(11_000, 3)) }, now()).await.unwrap();
    assert_eq!(begins(&job).await, cost(11_000, 3));
    let redriven = Job { run: Some("cost:letter".into()), ..job };
    assert_eq!(begins(&redriven).await, RunCost::default());
    history.record(&redriven, failed(Some(cost(1, 1))), now()).await.unwrap();
    assert_eq!(begins(&redriven).await, cost(1, 1));
}

async fn the_last_failure_is_told_once(history: &dyn History) {
    let job = job("U-failed", "failed");
    history.begin(&job, now()).await.unwrap();
    let failed = |reason, gave_up| Step::Failed { by: None, reason, delivery: None, gave_up, cost: None };
    history.record(&job, failed(Reason::ModelGone, false), now()).await.unwrap();
    let last = async |job: &Job| history.begin(job, now()).await.unwrap().last;
    assert_eq!(last(&job).await, LastAttempt::Failed(Reason::ModelGone));
    assert_eq!(last(&job).await, LastAttempt::Crashed, "the second attempt left no outcome");
    history.record(&job, failed(Reason::LineAuth, true), now()).await.unwrap();
    for _ in 0..2 {
        assert_eq!(last(&job).await, LastAttempt::GaveUp(Reason::LineAuth), "for the whole run");
    }
    let redriven = Job { run: Some("failed:letter".into()), ..job };
    assert_eq!(last(&redriven).await, LastAttempt::None, "that was another run");
}

async fn the_first_refusal_for_a_limit_that_is_not_reached_is_told_for_the_whole_run(history: &dyn History) {
    let job = job("U-quota", "quota");
    assert_eq!(history.begin(&job, now()).await.unwrap().quota_since, None);
    for at in [later(1), later(2)] {
        history.record(&job, Step::QuotaRefused, at).await.unwrap();
        history.record(&job, Step::Withdrawn { cost: None }, at).await.unwrap();
        let turn = history.begin(&job, later(3)).await.unwrap();
        assert_eq!((turn.quota_since, turn.attempts), (Some(later(1)), 1));
    }
    let redriven = Job { run: Some("quota:letter".into()), ..job };
    assert_eq!(history.begin(&redriven, later(4)).await.unwrap().quota_since, None, "that was another run");
    history.record(&redriven, Step::QuotaRefused, later(5)).await.unwrap();
    assert_eq!(history.begin(&redriven, later(6)).await.unwrap().quota_since, Some(later(5)));
}

async fn the_first_answer_stays(history: &dyn History) {
    let job = job("U-race", "race");
    history.begin(&job, now()).await.unwrap();
    let pushes = vec!["one".to_owned(), "two".to_owned()];
    let untried = PushState::Untried { since: now() };
    let delivery = Delivery { pushes: pushes.clone(), pushed: 0, state: untried, method: SendMethod::Push };
    let stored = Stage::Stored(as_read(&delivery));
    assert_eq!(
        history.store(&job, said(&job, "first", pushes), None, now()).await.unwrap(),
        StoreResult::Stored(delivery)
    );
    let lost = history.store(&job, said(&job, "second", vec!["three".into()]), None, later(1)).await.unwrap();
    assert_eq!(lost, StoreResult::Existing(stored.clone()), "who loses pushes what is stored");
    let lost = history.store(&job, noticed(vec!["four".into()]), None, later(1)).await.unwrap();
    assert_eq!(lost, StoreResult::Existing(stored.clone()));
    assert_eq!(history.begin(&job, later(2)).await.unwrap().stage, stored);
    assert_eq!(words(history, &job, 50, later(2)).await, ["first", "answer to first"]);
}

async fn a_notice_is_stored_without_rows(history: &dyn History) {
    let job = job("U-notice", "notice");
    history.begin(&job, now()).await.unwrap();
    assert!(matches!(
        history.store(&job, noticed(vec!["n".into()]), None, now()).await.unwrap(),
        StoreResult::Stored(_)
    ));
    assert!(words(history, &job, 50, now()).await.is_empty());
}

async fn a_delivered_turn_forgets_its_words(history: &dyn History) {
    let job = job("U-done", "done");
    history.begin(&job, now()).await.unwrap();
    history.store(&job, said(&job, "q", vec!["secret words".into()]), None, now()).await.unwrap();
    for _ in 0..2 {
        history.record(&job, Step::Delivered { own: vec![] }, now()).await.unwrap();
        let turn = history.begin(&job, later(1)).await.unwrap();
        assert_eq!(
            (turn.stage, turn.attempts),
            (Stage::Delivered, 1),
            "a delivered turn is not counted further"
        );
    }
    assert_eq!(
        history.store(&job, said(&job, "again", vec!["again".into()]), None, now()).await.unwrap(),
        StoreResult::Existing(Stage::Delivered)
    );
}

async fn what_is_known_of_the_pushes_is_kept(history: &dyn History) {
    let job = job("U-push", "push");
    let pushes = vec!["one".to_owned(), "two".to_owned()];
    history.begin(&job, now()).await.unwrap();
    history.store(&job, said(&job, "q", pushes.clone()), None, now()).await.unwrap();
    for (pushed, state) in [(1, PushState::Refused), (1, PushState::Unknown { since: later(3) })] {
        let delivery = Delivery { pushes: pushes.clone(), pushed, state, method: SendMethod::Push };
        let (reason, known) = (Reason::DeliveryUnknown, Some(delivery.clone()));
        let failed = Step::Failed { by: None, reason, delivery: known, gave_up: false, cost: None };
        history.record(&job, failed, later(4)).await.unwrap();
        assert_eq!(history.begin(&job, later(5)).await.unwrap().stage, Stage::Stored(delivery));
    }
    history.record(&job, Step::Pushing { by: None, pushed: 2 }, later(6)).await.unwrap();
    let state = PushState::Unknown { since: later(6) };
    let delivery = Delivery { pushes, pushed: 2, state, method: SendMethod::Push };
    assert_eq!(history.begin(&job, later(7)).await.unwrap().stage, Stage::Stored(delivery));
}

async fn a_reply_is_remembered_until_the_newest_attempt_takes_to_pushing(history: &dyn History) {
    let job = job("U-reply", "reply");
    history.begin(&job, now()).await.unwrap();
    let answer =
        Answer { method: SendMethod::ReplyToken, ..said(&job, "q", vec!["one".into(), "two".into()]) };
    let StoreResult::Stored(delivery) = history.store(&job, answer, None, now()).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        (delivery.method, delivery.state),
        (SendMethod::ReplyToken, PushState::Untried { since: now() })
    );
    assert!(!delivery.may_be_pushed(later(1)), "a push is no repetition of a reply");
    let turn = history.begin(&job, later(1)).await.unwrap();
    assert_eq!((turn.attempts, turn.stage), (2, Stage::Stored(as_read(&delivery))));
    let failed = Step::Failed {
        by: None,
        reason: Reason::DeliveryUnknown,
        delivery: Some(delivery.clone()),
        gave_up: false,
        cost: None,
    };
    history.record(&job, failed, later(2)).await.unwrap();
    assert_eq!(history.begin(&job, later(2)).await.unwrap().stage, Stage::Stored(as_read(&delivery)));

    // A worker that was thought dead does not know of later attempts.
    let overtaken = history.record(&job, Step::NotReplied { by: Some(1) }, later(3)).await.unwrap_err();
    assert!(overtaken.passing);
    for _ in 0..2 {
        history.record(&job, Step::NotReplied { by: Some(3) }, later(3)).await.unwrap();
    }
    let state = PushState::Unknown { since: later(3) };
    let pushed = Delivery { state, method: SendMethod::Push, ..delivery };
    assert_eq!(history.begin(&job, later(4)).await.unwrap().stage, Stage::Stored(pushed.clone()));

    history.record(&job, Step::Pushing { by: None, pushed: 1 }, later(5)).await.unwrap();
    let pushed = Delivery { pushed: 1, state: PushState::Unknown { since: later(5) }, ..pushed };
    assert_eq!(history.begin(&job, later(6)).await.unwrap().stage, Stage::Stored(pushed));
}

async fn an_answer_that_goes_by_reply_is_not_pushed_before_a_redrive(history: &dyn History) {
    let job = job("U-used-up", "used-up");
    history.begin(&job, now()).await.unwrap();
    history.store(&job, said(&job, "q", vec!["one".into()]), None, now()).await.unwrap();
    let replying = Step::Replying { by: Some(1) };
    let early = history.record(&job, replying.clone(), later(1)).await.unwrap_err();
    assert!(early.passing, "LINE may have the push");
    let refused = |gave_up| {
        let (pushes, state) = (vec!["one".to_owned()], PushState::Refused);
        let delivery = Some(Delivery { pushes, pushed: 0, state, method: SendMethod::Push });
        Step::Failed { by: Some(1), reason: Reason::LineQuota, delivery, gave_up, cost: None }
    };
    history.record(&job, refused(false), later(2)).await.unwrap();
    for _ in 0..2 {
        history.record(&job, replying.clone(), later(3)).await.unwrap();
    }
    for step in [Step::Pushing { by: Some(1), pushed: 0 }, Step::NotReplied { by: Some(1) }] {
        assert!(history.record(&job, step, later(4)).await.unwrap_err().passing);
    }
    history.record(&job, refused(true), later(5)).await.unwrap();
    assert!(history.record(&job, Step::Pushing { by: None, pushed: 0 }, later(6)).await.is_err());
    let redriven = Job { run: Some("used-up:letter".into()), ..job };
    let Stage::Stored(delivery) = history.begin(&redriven, later(7)).await.unwrap().stage else { panic!() };
    assert_eq!((delivery.method, delivery.state), (SendMethod::ReplyOnly, PushState::Refused));
    for _ in 0..2 {
        history.record(&redriven, Step::Pushing { by: Some(2), pushed: 0 }, later(8)).await.unwrap();
    }
    let Stage::Stored(delivery) = history.begin(&redriven, later(9)).await.unwrap().stage else { panic!() };
    let state = PushState::Unknown { since: later(8) };
    assert_eq!((delivery.method, delivery.state), (SendMethod::Push, state));
}

async fn an_answer_that_waits_is_told_until_the_conversation_goes_on(history: &dyn History) {
    let waits = async |job: &Job| {
        let past = history.load(job, FIFTY, later(9)).await.unwrap();
        assert_eq!(past.unanswered, None, "it has an answer");
        past.answer_waits
    };
    let message = |id: &str| JobKind::question("q", Some(id.to_owned().try_into().unwrap()));
    let said_at = |job: Job| Job { happened_at: Some(now().as_millisecond()), ..job };
    for ends in ["goes on", "is forgotten", "is taken back", "is redriven"] {
        let user = format!("U-waits {ends}").replace(' ', "-");
        let (first, next) = (said_at(job(&user, &format!("{user}-1"))), job(&user, &format!("{user}-2")));
        let first = Job { kind: message(&format!("m-{user}")), ..first };
        history.begin(&first, now()).await.unwrap();
        history.store(&first, said(&first, "q", vec!["push".into()]), None, now()).await.unwrap();
        assert!(!waits(&next).await);
        let all = Forget::Messages(now().as_millisecond());
        for _ in 0..2 {
            history.note_waiting(&first, later(2)).await.unwrap();
        }
        assert!(waits(&next).await);
        match ends {
            "goes on" => {
                history.begin(&next, later(3)).await.unwrap();
                history.store(&next, said(&next, "q", vec![]), None, later(3)).await.unwrap();
            }
            "is forgotten" => history.forget(&first.conversation, all, later(3)).await.unwrap(),
            "is redriven" => {
                // Another answer of the conversation is delivered before.
                for event in [&next.event_id, &first.event_id] {
                    assert!(waits(&next).await);
                    let (event_id, run) = (event.clone(), Some(format!("{event}:letter")));
                    let redriven = Job { event_id, run, ..first.clone() };
                    history.begin(&redriven, later(3)).await.unwrap();
                    history.record(&redriven, Step::Delivered { own: vec![] }, later(3)).await.unwrap();
                }
            }
            _ => {
                let message = first.message_id().unwrap().clone();
                history.forget(&first.conversation, Forget::Message(message), later(3)).await.unwrap();
            }
        }
        assert!(!waits(&next).await, "{ends}");
    }
}

async fn the_user_is_told_at_the_first_time(history: &dyn History) {
    let job = job("U-told", "told");
    history.begin(&job, now()).await.unwrap();
    for at in [later(1), later(9)] {
        assert_eq!(history.mark_notified(&job, None, at).await.unwrap(), Some(later(1)));
    }
    // An answer that may have arrived needs no apology; one that certainly did not arrive needs it.
    let pushes = vec!["one".to_owned(), "two".to_owned()];
    history.store(&job, noticed(pushes.clone()), None, later(10)).await.unwrap();
    assert_eq!(history.mark_notified(&job, None, later(11)).await.unwrap(), None);
    for (pushed, told) in [(0, Some(later(1))), (1, None)] {
        let (pushes, state) = (pushes.clone(), PushState::Refused);
        let delivery = Some(Delivery { pushes, pushed, state, method: SendMethod::Push });
        let failed =
            Step::Failed { by: None, reason: Reason::LineRejected, delivery, gave_up: true, cost: None };
        history.record(&job, failed, later(12)).await.unwrap();
        assert_eq!(history.mark_notified(&job, None, later(13)).await.unwrap(), told);
    }
    history.record(&job, Step::Delivered { own: vec![] }, later(14)).await.unwrap();
    assert_eq!(history.mark_notified(&job, None, later(15)).await.unwrap(), None);
}

async fn turns_never_interleave_whatever_the_clock_says(history: &dyn History) {
    let turns = [("a", later(5)), ("b", later(5)), ("c", later(0)), ("d", later(1))];
    let mut all = vec![];
    for (question, at) in turns {
        let job = job("U-order", &format!("order-{question}"));
        history.begin(&job, at).await.unwrap();
        // As in production, a turn is loaded before it is stored.
        assert_eq!(words(history, &job, 50, at).await, all);
        history.store(&job, said(&job, question, vec![]), None, at).await.unwrap();
        all.extend([question.to_owned(), format!("answer to {question}")]);
    }
    let job = job("U-order", "order");
    assert_eq!(words(history, &job, 50, later(6)).await, all);
    assert_eq!(words(history, &job, 3, later(6)).await, all[5..]);
    assert!(words(history, &job, 0, later(6)).await.is_empty());
    let other = Job { conversation: ConversationId::of_known_id("U-other".to_owned()).unwrap(), ..job };
    assert!(words(history, &other, 50, later(6)).await.is_empty());
}

async fn rows_past_their_time_are_not_read(hourly: &dyn History) {
    let old = job("U-ttl", "ttl-old");
    hourly.store(&old, said(&old, "old", vec![]), None, now()).await.unwrap();
    let new = job("U-ttl", "ttl-new");
    hourly.store(&new, said(&new, "new", vec![]), None, later(30)).await.unwrap();
    assert_eq!(words(hourly, &new, 50, later(59)).await.len(), 4);
    assert_eq!(words(hourly, &new, 50, later(60)).await, ["new", "answer to new"]);
    assert!(words(hourly, &new, 50, later(90)).await.is_empty());
}

/// Returns the question that could be asked again.
async fn unanswered(history: &dyn History, job: &Job, at: Timestamp) -> Option<String> {
    history.load(job, FIFTY, at).await.unwrap().unanswered.map(|unanswered| unanswered.question)
}

/// Stores the answer to a message of this kind with these words; the message and its event have one id.
async fn is_sent(history: &dyn History, of: &str, id: &str, words: &str, kind: MessageKind) -> Job {
    let message_id: MessageId = format!("m-{id}").try_into().unwrap();
    let job = Job {
        kind: JobKind::question("q", Some(message_id)),
        happened_at: Some(now().as_millisecond()),
        ..job(of, id)
    };
    let mut answer = said(&job, words, vec![]);
    let question = &mut answer.exchange.as_mut().unwrap().questions[0];
    (question.kind, question.image_set) = (kind, (kind == MessageKind::Image).then(|| "set".to_owned()));
    history.begin(&job, now()).await.unwrap();
    history.store(&job, answer, None, now()).await.unwrap();
    job
}

async fn the_last_images_are_known_until_their_rows_are_gone(history: &dyn History) {
    let known = |rows: &[(Role, MessageKind, &str)]| {
        let mut last = LastImages::default();
        for (role, kind, id) in rows {
            let message =
                Message { role: *role, kind: *kind, content: "[image 1 of 2]".to_owned(), speaker: None };
            last.add(
                &message,
                Some("set"),
                || (*id).to_owned().try_into().ok(),
                Some(now().as_millisecond()),
            );
        }
        last
    };
    let answer = (Role::Assistant, MessageKind::Text, "");
    let image = |id| (Role::User, MessageKind::Image, id);
    let images = async |job: &Job, at| history.load(job, FIFTY, at).await.unwrap().images;
    is_sent(history, "Uimages", "image1", "[image 1 of 2]", MessageKind::Image).await;
    let last = is_sent(history, "Uimages", "image2", "[image 1 of 2]", MessageKind::Image).await;
    let both = known(&[answer, image("m-image2"), answer, image("m-image1")]);
    assert_eq!(images(&last, now()).await, both);
    let taken_back = Forget::Message("m-image2".to_owned().try_into().unwrap());
    history.forget(&last.conversation, taken_back, now()).await.unwrap();
    assert_eq!(images(&last, now()).await, known(&[answer, image("m-image1")]));
    is_sent(history, "Uimages", "image3", "[image 1 of 2]", MessageKind::Text).await;
    assert_eq!(
        images(&last, now()).await,
        known(&[answer, (Role::User, MessageKind::Text, ""), answer, image("m-image1")])
    );
    let all = Forget::Messages(now().as_millisecond());
    history.forget(&last.conversation, all, later(1)).await.unwrap();
    assert_eq!(images(&last, later(1)).await, LastImages::default());
}

async fn the_newest_file_is_known_until_its_row_is_gone(history: &dyn History) {
    let sends =
        async |id: &str, words: &str, kind: MessageKind| is_sent(history, "Ufile", id, words, kind).await;
    let file = async |job: &Job, at| history.load(job, FIFTY, at).await.unwrap().file;
    sends("file1", "[file: a.txt]", MessageKind::File).await;
    sends("file2", "[file: b].pdf]", MessageKind::File).await;
    let last = sends("file3", "[file: c.pdf]", MessageKind::Text).await;
    let known = |id: &str, name: &str| {
        let message_id = id.to_owned().try_into().unwrap();
        Some(SentFile { message_id, name: name.to_owned(), sent_at: now().as_millisecond() })
    };
    assert_eq!(file(&last, now()).await, known("m-file2", "b].pdf"));
    let taken_back = Forget::Message("m-file2".to_owned().try_into().unwrap());
    history.forget(&last.conversation, taken_back, now()).await.unwrap();
    assert_eq!(file(&last, now()).await, known("m-file1", "a.txt"));
    let all = Forget::Messages(now().as_millisecond());
    history.forget(&last.conversation, all, later(1)).await.unwrap();
    assert_eq!(file(&last, later(1)).await, None);
}

async fn a_question_without_an_answer_is_kept_until_the_conversation_goes_on(
    history: &dyn History,
    hourly: &dyn History,
) {
    let of_message = |conversation: &str, event: &str, message: &str| {
        let message_id = Some(message.to_owned().try_into().unwrap());
        let ask = JobKind::question("q", message_id);
        Job { kind: ask, ..job(conversation, event) }
    };
    let (event, speaker) = (job("Uun", "un").event_id, Some("Aoi".to_owned()));
    let why = Question {
        event,
        text: "why?".to_owned(),
        kind: MessageKind::Audio,
        message_id: None,
        speaker,
        said_at: Some(later(1).as_millisecond()),
        image_set: Some("set".to_owned()),
        asked_with: vec![],
    };
    for (which, history) in [("h", history), ("t", hourly)] {
        let (user, first, second) = (format!("Uun{which}"), format!("un{which}1"), format!("un{which}2"));
        // The conversation goes on.
        let lost = of_message(&user, &first, "m-un1");
        history.begin(&lost, now()).await.unwrap();
        history.mark_notified(&lost, Some(&why), later(1)).await.unwrap();
        let next = job(&user, &second);
        history.begin(&next, later(2)).await.unwrap();
        assert_eq!(unanswered(history, &next, later(2)).await.as_deref(), Some("why?"));
        let past = history.load(&next, FIFTY, later(2)).await.unwrap();
        let known = past.unanswered.unwrap();
        assert_eq!((known.speaker.as_deref(), known.kind), (Some("Aoi"), MessageKind::Audio));
        history.store(&next, said(&next, "q", vec![]), None, later(2)).await.unwrap();
        assert_eq!(unanswered(history, &next, later(3)).await, None);

        // The question is forgotten: the whole conversation, or only that message.
        let until = |minutes| Forget::Messages(later(minutes).as_millisecond());
        for (event, what, expected) in [
            (format!("un{which}3"), until(1), None),
            (format!("un{which}6"), until(0), Some("why?")),
            (format!("un{which}4"), Forget::Message(format!("m-un{which}4").try_into().unwrap()), None),
            (format!("un{which}5"), Forget::Message("m-other".to_owned().try_into().unwrap()), Some("why?")),
        ] {
            let lost = of_message(&format!("U{event}"), &event, &format!("m-{event}"));
            history.begin(&lost, now()).await.unwrap();
            history.mark_notified(&lost, Some(&why), later(1)).await.unwrap();
            history.forget(&lost.conversation, what, later(2)).await.unwrap();
            assert_eq!(unanswered(history, &lost, later(3)).await.as_deref(), expected, "{event}");
        }
    }
    // The question is kept as long as other rows.
    let lost = of_message("Uun6", "un6", "m-un6");
    hourly.begin(&lost, now()).await.unwrap();
    hourly.mark_notified(&lost, Some(&why), now()).await.unwrap();
    assert_eq!(unanswered(hourly, &lost, later(59)).await.as_deref(), Some("why?"));
    assert_eq!(unanswered(hourly, &lost, later(61)).await, None);
}
