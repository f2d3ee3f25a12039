//! Messages that are answered together while workers die, answers get lost, and two workers run at once.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use emulator::{faults::Fault, line::PUSH, model::see::without_note};
use serde_json::{Value, json};

use crate::harness::lambda::{
    aws_proxy::{AwsProxy, Treatment},
    bot::{Bot, USER},
};

const HOUR: Duration = Duration::from_hours(1);
const TEXTS: [&str; 3] = ["one", "two", "three"];

/// Starts a bot with three messages that came before any worker ran; their jobs come again a second after their
/// worker dies.
async fn bot(further: &[(&str, &str)]) -> Bot {
    let bot = Bot::quiet(&[further, &[("BURST", "merge"), ("LEASE_SECONDS", "1")]].concat()).await;
    for text in TEXTS {
        bot.hears(text).await;
    }
    bot
}

fn words(prompt: &Value) -> Vec<&str> {
    prompt["messages"].as_array().unwrap()[1..]
        .iter()
        .map(|it| without_note(it["content"].as_str().unwrap()))
        .collect()
}

/// Returns the answers so far, without the part that names the questions.
async fn answers(bot: &Bot) -> Vec<String> {
    let said = bot.said().await;
    said.into_iter().map(|(_, text)| text.trim_start_matches("answer to ").to_owned()).collect()
}

/// Counts the message rows of people.
async fn rows(bot: &Bot) -> usize {
    bot.cloud.rows().await.iter().filter(|row| row.contains_key("lineUserId")).count()
}

#[tokio::test]
async fn a_batch_of_one_conversation_is_one_answer_and_all_of_it_is_acknowledged() {
    let bot = bot(&[]).await;
    let (_, failures) = bot.works_on_a_batch(3, Duration::from_secs(20)).await;
    assert_eq!((failures, bot.model.asked().len()), (json!([]), 1));
    assert_eq!(words(&bot.model.asked()[0].body), TEXTS);
    assert_eq!(rows(&bot).await, 4);
    let log = bot.worker.log();
    let outcomes: Vec<_> = ["merged", "answered"]
        .map(|outcome| log.iter().filter(|line| line.contains(&format!(r#""outcome":"{outcome}""#))).count())
        .to_vec();
    assert_eq!(outcomes, [2, 1]);
}

#[tokio::test]
async fn killed_while_the_model_thinks_about_several_each_is_answered_by_itself() {
    let mut bot = bot(&[]).await;
    bot.model.plan_fault(Fault::Hang);
    bot.is_brought_jobs(Duration::from_mins(1));
    bot.asks(1).await;
    bot.worker_is_killed().await;
    bot.says(3).await;
    assert_eq!(answers(&bot).await, TEXTS);
    let asked = bot.model.asked();
    assert_eq!(asked.iter().map(|seen| words(&seen.body).len()).collect::<Vec<_>>(), [3, 1, 3, 5]);
    assert_eq!(rows(&bot).await, 6);
    bot.ends().await;
}

#[tokio::test]
async fn killed_while_it_pushes_the_one_answer_it_pushes_the_same_again_and_it_arrives_once() {
    let story = async |fault: Fault| {
        let mut bot = bot(&[]).await;
        bot.line.faults.plan_next(PUSH, fault);
        bot.is_brought_jobs(Duration::from_mins(1));
        bot.pushes(1).await;
        bot.worker_is_killed().await;
        bot.pushes(2).await;
        assert_eq!(answers(&bot).await, ["three"]);
        let tried = bot.pushes_tried();
        assert_eq!((tried.len(), bot.model.asked().len()), (2, 1));
        assert_eq!(tried[0], tried[1]);
        assert_eq!(rows(&bot).await, 4);
        bot.ends().await;
    };
    // LINE takes the push, or does not.
    tokio::join!(story(Fault::Late(HOUR)), story(Fault::Hang));
}

#[tokio::test]
async fn killed_when_the_answer_was_stored_and_nobody_heard_of_it_it_is_only_pushed() {
    let lose = AtomicBool::new(true);
    let table = AwsProxy::start(move |call, _| {
        let is_it = call == "TransactWriteItems" && lose.swap(false, Relaxed);
        if is_it { Treatment::Lose } else { Treatment::Forward }
    })
    .await;
    let mut bot = bot(&[("AWS_ENDPOINT_URL_DYNAMODB", &table.url)]).await;
    bot.is_brought_jobs(Duration::from_mins(1));
    table.is_called("TransactWriteItems", 1).await;
    bot.worker_is_killed().await;
    bot.says(1).await;
    assert_eq!(answers(&bot).await, ["three"]);
    assert_eq!((bot.model.asked().len(), rows(&bot).await), (1, 4));
    bot.ends().await;
}

#[tokio::test]
async fn one_that_another_worker_has_answered_meanwhile_is_not_answered_again() {
    let mut bot = bot(&[]).await;
    let messages = bot.cloud.receive(&bot.cloud.queue_url, Duration::from_secs(1)).await;
    assert_eq!(messages.len(), 3);
    let event = |some: &[aws_sdk_sqs::types::Message]| json!({ "Records": some.iter().map(crate::harness::lambda::functions::record).collect::<Vec<_>>() });
    // SQS takes one worker for dead, and another one gets the first two jobs.
    bot.model.plan_fault(Fault::After(Duration::from_secs(2)));
    let first = bot.worker.clone();
    let all = event(&messages);
    let zombie = tokio::spawn(async move { first.invoke(all, Duration::from_secs(30)).await });
    bot.asks(1).await;
    bot.worker =
        std::sync::Arc::new(crate::harness::lambda::functions::Lambda::start("worker", &bot.variables).await);
    bot.worker.invoke(event(&messages[..2]), Duration::from_secs(30)).await.unwrap();
    let zombie = zombie.await.unwrap().unwrap();
    assert_eq!(zombie["batchItemFailures"], json!([]));
    let said: Vec<_> = bot.line.sent().into_iter().flat_map(|sent| sent.texts).collect();
    // The second worker splits the first two jobs, because each may be the poison job.
    assert_eq!(said, TEXTS.map(|text| format!("answer to {text}")));
    assert_eq!(rows(&bot).await, 6);
}

#[tokio::test]
async fn a_panic_over_several_is_that_of_one() {
    let bot = Bot::quiet(&[("BURST", "merge"), ("LEASE_SECONDS", "1")]).await;
    for (event, text) in [("e-1", "one"), ("henji-panics", "two")] {
        let job = json!({ "v": 3, "eventId": event, "conversation": USER, "kind": "question", "text": text });
        bot.is_sent(&job.to_string(), USER, event).await;
    }
    let (messages, failures) = bot.works_on_a_batch(2, Duration::from_secs(20)).await;
    assert_eq!(failures, json!([{ "itemIdentifier": messages[1].message_id }]));
    assert_eq!(bot.line.sent()[0].texts, ["answer to one"]);
}
