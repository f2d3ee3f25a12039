use std::time::Duration;

use cli::commands::send::webhook_of;
use emulator::{
    faults::Fault,
    line::{PUSH, REPLY},
};
use serde_json::Value;
use tokio::time::Instant;

use crate::harness::lambda::{
    bot::{Bot, USER, payload_2},
    cloud::attribute,
};

async fn bot() -> Bot {
    Bot::with(&[("DELIVERY", "reply-first"), ("LEASE_SECONDS", "1")]).await
}

/// Posts this text of the user; LINE knows its reply token.
async fn hears(bot: &Bot, text: &str) -> Value {
    let webhook = webhook_of(text, USER);
    bot.line.sends(&webhook, Instant::now());
    assert_eq!(bot.status(payload_2(&webhook.to_string())).await, 200);
    webhook
}

/// Returns how many replies and pushes were tried.
fn tried(bot: &Bot) -> (usize, usize) {
    (bot.line.faults.seen(REPLY).len(), bot.line.faults.seen(PUSH).len())
}

async fn texts(bot: &Bot) -> Vec<String> {
    bot.said().await.into_iter().map(|(_, text)| text).collect()
}

#[tokio::test]
async fn a_young_token_carries_the_answer_and_a_refused_one_is_followed_by_one_push() {
    let bot = bot().await;
    let mut webhook = hears(&bot, "hi").await;
    bot.says(1).await;
    // SQS still knows the event, and the turn remembers it for ever.
    webhook["events"][0]["deliveryContext"]["isRedelivery"] = true.into();
    assert_eq!(bot.status(payload_2(&webhook.to_string())).await, 200);
    assert_eq!(texts(&bot).await, ["answer to hi"]);
    assert_eq!(tried(&bot), (1, 0));

    bot.line.plan_error(REPLY, 400, "Invalid reply token");
    bot.line.faults.plan_next(PUSH, Fault::Lose);
    hears(&bot, "again").await;
    bot.says(2).await;
    assert_eq!(texts(&bot).await[1..], ["answer to again"]);
    assert_eq!(tried(&bot), (2, 2));
    bot.ends().await;
}

#[tokio::test]
async fn a_token_that_is_no_longer_young_is_not_tried() {
    let bot = bot().await;
    let webhook = webhook_of("hi", USER);
    bot.line.sends(&webhook, Instant::now());
    let event = &webhook["events"][0];
    let minute_ago = worker::clock::wall_clock()().as_millisecond() - 60_000;
    let job = serde_json::json!({
        "v": 2, "eventId": event["webhookEventId"], "conversation": USER, "kind": "question", "text": "hi",
        "acceptedAt": minute_ago, "replyToken": event["replyToken"],
    });
    bot.is_sent(&job.to_string(), USER, "old").await;
    bot.says(1).await;
    assert_eq!((texts(&bot).await, tried(&bot)), (vec!["answer to hi".to_owned()], (0, 1)));
    bot.ends().await;
}

#[tokio::test]
async fn killed_while_it_replies_it_asks_again_what_became_of_it_and_never_pushes() {
    // If LINE did nothing, the same token works now. If LINE had replied, its refusal does not prove it.
    let lost = Fault::Late(Duration::from_hours(1));
    for (fault, is_known) in [(Fault::Hang, true), (lost, false)] {
        let mut bot = bot().await;
        bot.line.faults.plan_next(REPLY, fault);
        hears(&bot, "hi").await;
        while bot.line.faults.seen(REPLY).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        bot.worker_is_killed().await;
        bot.says(1).await;
        assert_eq!(texts(&bot).await, ["answer to hi"]);
        assert_eq!((bot.model.asked().len(), tried(&bot)), (1, (2, 0)));
        if !is_known {
            assert_eq!(attribute(&bot.cloud.letter().await, "Reason"), "delivery_unknown");
        }
        bot.ends().await;
    }
}

#[tokio::test]
async fn of_a_long_answer_the_first_part_is_free_and_the_rest_is_pushed() {
    let bot = bot().await;
    let long = "a".repeat(30_000);
    bot.model.plan_answer(&long);
    hears(&bot, "tell me all").await;
    bot.says(2).await;
    assert_eq!((texts(&bot).await.concat(), tried(&bot)), (long, (1, 1)));
    bot.ends().await;
}
