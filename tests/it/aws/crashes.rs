use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::QueueAttributeName;
use emulator::{faults::Fault, line::PUSH, model::see};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::text;
use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment},
    bot::{Bot, USER},
    cloud::{TABLE, attribute},
};

const HOUR: Duration = Duration::from_hours(1);

/// Starts a bot whose jobs come again a second after their worker dies.
async fn bot(further: &[(&str, &str)]) -> Bot {
    Bot::with(&[further, &[("LEASE_SECONDS", "1")]].concat()).await
}

/// Returns reason and attempts of the one dead letter.
async fn letter(bot: &Bot) -> (String, String) {
    let letter = bot.cloud.letter().await;
    assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 1);
    (attribute(&letter, "Reason"), attribute(&letter, "Attempts"))
}

fn gave_up(reason: &str, attempts: &str) -> (String, String) {
    (reason.to_owned(), attempts.to_owned())
}

#[tokio::test]
async fn killed_while_the_model_thinks_it_asks_again() {
    let mut bot = bot(&[]).await;
    bot.model.plan_fault(Fault::Hang);
    bot.hears("hello").await;
    bot.asks(1).await;
    bot.worker_is_killed().await;
    bot.says(1).await;
    assert_eq!(bot.said().await, [(USER.to_owned(), "answer to hello".to_owned())]);
    assert_eq!(bot.model.asked().len(), 2);
    bot.ends().await;
}

#[tokio::test]
async fn killed_while_it_pushes_it_pushes_the_same_again_and_it_arrives_once() {
    let story = async |fault: Fault| {
        let mut bot = bot(&[]).await;
        bot.line.faults.plan_next(PUSH, fault);
        bot.hears("hello").await;
        bot.pushes(1).await;
        bot.worker_is_killed().await;
        bot.pushes(2).await;
        assert_eq!(bot.said().await, [(USER.to_owned(), "answer to hello".to_owned())]);
        let tried = bot.pushes_tried();
        assert_eq!((tried.len(), bot.model.asked().len()), (2, 1));
        assert_eq!(tried[0], tried[1]);
        bot.ends().await;
    };
    // LINE takes the push, or does not.
    tokio::join!(story(Fault::Late(HOUR)), story(Fault::Hang));
}

#[tokio::test]
async fn killed_while_it_apologises_it_asks_no_second_time_and_tells_once() {
    let mut bot = bot(&[]).await;
    bot.model.plan_error(400, "invalid_request_error");
    bot.line.faults.plan_next(PUSH, Fault::Late(HOUR));
    bot.hears("hello").await;
    bot.pushes(1).await;
    bot.worker_is_killed().await;
    bot.pushes(2).await;
    let said = bot.said().await;
    assert!(said.len() == 1 && said[0].1.starts_with("Sorry"), "{said:?}");
    assert_eq!(bot.model.asked().len(), 1);
    assert_eq!(letter(&bot).await, gave_up("model_refused", "1"));
    bot.ends().await;
}

#[tokio::test]
async fn a_message_whose_worker_dies_each_time_is_given_up_and_its_user_told() {
    let mut bot = bot(&[("MAX_ATTEMPTS", "2")]).await;
    bot.hears("before").await;
    bot.says(1).await;
    for attempt in 1..=2 {
        bot.model.plan_fault(Fault::Hang);
        if attempt == 1 {
            bot.hears("hello").await;
        }
        bot.asks(1 + attempt).await;
        bot.worker_is_killed().await;
    }
    assert_eq!(letter(&bot).await, gave_up("worker_died", "2"));
    assert!(bot.says(2).await[1].texts[0].starts_with("Sorry"));
    bot.hears("after").await;
    assert_eq!(bot.says(3).await[2].texts, ["answer to after"]);
    bot.ends().await;
}

#[tokio::test]
async fn killed_while_it_pushes_for_the_last_time_it_does_not_say_that_there_is_no_answer() {
    let mut bot = bot(&[("MAX_ATTEMPTS", "1")]).await;
    bot.line.faults.plan_next(PUSH, Fault::Late(HOUR));
    bot.hears("hello").await;
    bot.pushes(1).await;
    bot.worker_is_killed().await;
    assert_eq!(letter(&bot).await, gave_up("worker_died", "1"));
    assert_eq!(bot.said().await, [(USER.to_owned(), "answer to hello".to_owned())]);
    assert_eq!((bot.pushes_tried().len(), bot.model.asked().len()), (1, 1));
    bot.ends().await;
}

/// Kills a worker during its `nth` call of this kind in this turn.
async fn killed_at(is_refused: bool, call: &'static str, nth: usize, play: Treatment, ends: &str) {
    let shown = format!("{call} {nth} {play:?}");
    let calls = AtomicUsize::new(0);
    let aws = AwsProxy::start(move |name, _| {
        let is_it = name == call && calls.fetch_add(1, Relaxed) + 1 == nth;
        if is_it { play.clone() } else { Treatment::Forward }
    })
    .await;
    let urls = [("AWS_ENDPOINT_URL_DYNAMODB", &*aws.url), ("AWS_ENDPOINT_URL_SQS", &aws.url)];
    let mut bot = bot(&urls).await;
    if is_refused {
        bot.model.plan_error(400, "invalid_request_error");
    }
    bot.hears("hi").await;
    aws.is_called(call, nth).await;
    bot.worker_is_killed().await;
    bot.says(1).await;
    let said = bot.said().await;
    assert!(said.len() == 1 && said[0].1.starts_with(ends), "{shown}: {said:?}");
    if ends == "Sorry" {
        assert_eq!(letter(&bot).await, gave_up("model_refused", "1"), "{shown}");
        assert_eq!(bot.model.asked().len(), 1, "{shown}");
    } else {
        assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 0, "{shown}");
    }
    bot.ends().await;
}

#[tokio::test]
async fn killed_at_each_call_to_aws_a_turn_ends_in_one_answer_or_in_one_letter_and_one_apology() {
    let mut stories = vec![];
    for play in [Treatment::Hang, Treatment::Lose] {
        for (call, nth) in [("UpdateItem", 1), ("Query", 1), ("TransactWriteItems", 1), ("UpdateItem", 2)] {
            stories.push(killed_at(false, call, nth, play.clone(), "answer to hi"));
        }
        for (call, nth) in [("SendMessage", 1), ("UpdateItem", 3)] {
            stories.push(killed_at(true, call, nth, play.clone(), "Sorry"));
        }
    }
    // The record of the lasting refusal is missing: the model is asked again, and this time answers.
    stories.push(killed_at(true, "UpdateItem", 2, Treatment::Hang, "answer to hi"));
    stories.push(killed_at(true, "UpdateItem", 2, Treatment::Lose, "Sorry"));
    stream::iter(stories).buffer_unordered(4).collect::<Vec<_>>().await;
}

/// Returns the user of each question that the model was asked, in order.
fn asked(bot: &Bot) -> Vec<String> {
    let question = |body: &Value| body["messages"].as_array().unwrap().last().cloned().unwrap();
    bot.model.asked().iter().map(|s| see::text(&question(&s.body))).collect()
}

#[tokio::test]
async fn a_job_that_may_have_ended_its_worker_is_run_alone_and_takes_no_neighbours_with_it_again() {
    let mut bot = Bot::quiet(&[("LEASE_SECONDS", "1")]).await;
    for _ in 0..2 {
        bot.model.plan_fault(Fault::Hang);
    }
    for user in ["bad", "neighbour"] {
        bot.hears_from(user, user).await;
    }
    bot.is_brought_jobs(Duration::from_mins(1));
    bot.asks(2).await;
    // The worker dies with both jobs in flight. When they come again, a job of a new user is in the batch.
    bot.worker_dies();
    sleep(Duration::from_millis(1_500)).await;
    bot.hears_from("new", "new").await;
    let slow = Duration::from_millis(600);
    bot.model.plan_fault(Fault::After(slow));
    bot.model.plan_fault(Fault::Hang);
    bot.gets_another_worker().await;
    bot.asks(4).await;
    // One of the two poison candidates runs, and kills this worker too.
    let asked_so_far = asked(&bot);
    assert_eq!(asked_so_far[2], "new");
    let suspect = asked_so_far[3].clone();
    assert_eq!(bot.line.sent()[0].texts, ["answer to new"], "before the suspect began");
    sleep(slow).await;
    assert_eq!(bot.model.asked().len(), 4, "the other one waits");
    bot.worker_dies();
    // Both leases end, so that both come again in one batch.
    sleep(Duration::from_millis(1_500)).await;
    bot.gets_another_worker().await;
    bot.says(3).await;
    let other = if suspect == "bad" { "neighbour" } else { "bad" };
    assert_eq!(asked(&bot)[4..], [other, suspect.as_str()], "the least attempted first, then the suspect");
    let (asked, pushed) = (bot.model.asked(), bot.line.faults.seen(PUSH));
    assert!(pushed[1].at < asked[5].at, "one after the other");
    assert_eq!(bot.said().await.len(), 3);
    let rows = bot.cloud.rows().await;
    let turns = rows.iter().filter(|row| text(row, "id").starts_with("turn#"));
    let mut attempts: Vec<_> = turns.map(|row| row["attempts"].as_n().unwrap().clone()).collect();
    attempts.sort();
    assert_eq!(attempts, ["1", "2", "3"], "to wait is no attempt");
    bot.ends().await;
}

#[tokio::test]
async fn a_job_to_be_run_alone_is_handed_back_uncounted_where_its_neighbours_take_too_long() {
    let bot = Bot::quiet(&[]).await;
    // This is the row that its last worker left.
    let row = bot.cloud.dynamodb.put_item().table_name(TABLE);
    let row = row.item("id", AttributeValue::S("turn#suspect".to_owned()));
    row.item("attempts", AttributeValue::N("1".to_owned())).send().await.unwrap();
    let attempts = async || {
        let rows = bot.cloud.rows().await;
        let row = rows.iter().find(|row| text(row, "id") == "turn#suspect").unwrap();
        row["attempts"].as_n().unwrap().clone()
    };
    let job =
        json!({ "v": 1, "eventId": "suspect", "conversation": "bad", "kind": "question", "text": "bad" });
    bot.is_sent(&job.to_string(), "bad", "suspect").await;
    bot.hears_from("slow", "slow").await;
    // The batch has four seconds of work; after two fifths of them it is too late to begin.
    bot.model.plan_fault(Fault::After(Duration::from_millis(2_200)));
    let (messages, failures) = bot.works_on_a_batch(2, Duration::from_secs(6)).await;
    let suspect = messages.iter().find(|message| message.body.as_ref().unwrap().contains("suspect")).unwrap();
    assert_eq!(failures, json!([{ "itemIdentifier": suspect.message_id }]));
    assert_eq!((asked(&bot), attempts().await), (vec!["slow".to_owned()], "1".to_owned()));
    // Alone in its batch it runs at once.
    let (_, failures) = bot.works_on_a_batch(1, Duration::from_secs(6)).await;
    assert_eq!((failures, attempts().await), (json!([]), "2".to_owned()));
    assert_eq!(bot.line.sent()[1].texts, ["answer to bad"]);
}

#[tokio::test]
async fn killed_at_random_moments_under_load_every_accepted_message_is_answered_exactly_once() {
    let mut bot = bot(&[("MAX_ATTEMPTS", "20")]).await;
    // This timeout applies to messages that a worker received and did not lease before it died.
    let attributes = bot.cloud.sqs.set_queue_attributes().queue_url(&bot.cloud.queue_url);
    attributes.attributes(QueueAttributeName::VisibilityTimeout, "2").send().await.unwrap();
    bot.model.set_think_time(Duration::from_millis(50));
    let mut expected = HashSet::new();
    for round in 0..4 {
        for user in 0..4 {
            let message = format!("message {round} of {user}");
            bot.hears_from(&format!("U{user}"), &message).await;
            expected.insert((format!("U{user}"), format!("answer to {message}")));
        }
        sleep(Duration::from_millis(fastrand::u64(100..600))).await;
        bot.worker_is_killed().await;
    }
    bot.says(expected.len()).await;
    let said = bot.said().await;
    assert_eq!(said.len(), expected.len(), "none twice: {said:?}");
    assert_eq!(said.into_iter().collect::<HashSet<_>>(), expected, "none lost");
    assert_eq!(bot.cloud.depth(&bot.cloud.dlq_url).await, 0);
    bot.ends().await;
}
